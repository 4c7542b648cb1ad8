/** What this browser remembers of its reader: language, appearance, keys. */
import type { Lang } from "./words.ts";

export type Theme = "system" | "light" | "dark";

const LANG = "lujiang.lang";
const THEME = "lujiang.theme";
const KEYS = "lujiang.keys";

class Settings {
  lang: Lang = $state(rememberedLang());
  theme: Theme = $state(rememberedTheme());
  /** Whether single keys are shortcuts. */
  keys: boolean = $state(recall(KEYS) !== "off");

  useLang(lang: Lang): void {
    this.lang = lang;
    remember(LANG, lang);
  }

  useTheme(theme: Theme): void {
    this.theme = theme;
    remember(THEME, theme);
  }

  useKeys(on: boolean): void {
    this.keys = on;
    remember(KEYS, on ? "on" : "off");
  }
}

export const settings = new Settings();

function rememberedLang(): Lang {
  const kept = recall(LANG);
  if (kept === "zh" || kept === "en") return kept;
  // Chinese is the library's own language, whatever the browser was installed in.
  return "zh";
}

function rememberedTheme(): Theme {
  const kept = recall(THEME);
  return kept === "light" || kept === "dark" ? kept : "system";
}

/** Storage may be forbidden; then nothing is remembered, and that is all. */
function recall(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // As above.
  }
}
