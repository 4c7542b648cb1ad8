/** What the eye asks for: light or dark, still or moving. Follows the system where not told. */
import { settings } from "./settings.svelte.ts";

class Appearance {
  isStill: boolean = $state(false);
  private systemDark: boolean = $state(false);

  readonly shown: "light" | "dark" = $derived.by(() => {
    if (settings.theme !== "system") return settings.theme;
    return this.systemDark ? "dark" : "light";
  });

  constructor() {
    follow("(prefers-color-scheme: dark)", (is) => (this.systemDark = is));
    follow("(prefers-reduced-motion: reduce)", (is) => (this.isStill = is));
  }
}

function follow(query: string, tell: (is: boolean) => void): void {
  const media = matchMedia(query);
  tell(media.matches);
  media.addEventListener("change", () => tell(media.matches));
}

export const appearance = new Appearance();
