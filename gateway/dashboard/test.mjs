// Runs the claims beside the sources (`src/**/*.test.ts`) under Node's own test runner; Vite
// strips the types, so that any Node.js that builds the page can also test it.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { runnerImport } from "vite";

const files = readdirSync("src", { recursive: true }).filter((name) => name.endsWith(".test.ts"));
for (const file of files) {
  await runnerImport(`./${join("src", file)}`, { configFile: false, logLevel: "error" });
}
