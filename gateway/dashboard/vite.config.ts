import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: "es2022",
    // Nothing is inlined: the content security policy allows no `data:` scripts or styles.
    assetsInlineLimit: 0,
    // The chart library is one file, loaded late.
    chunkSizeWarningLimit: 600,
    modulePreload: { polyfill: false },
  },
});
