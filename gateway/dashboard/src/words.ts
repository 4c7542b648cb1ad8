/** Words of the page in two languages: looks one up and puts the values in. Knows no state. */
import { en } from "./words/en.ts";
import { zh, type Word } from "./words/zh.ts";

export type { Word };
export type Lang = "zh" | "en";
export type Values = Record<string, string | number>;

/** 530,000 in full, in both languages. */
const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** A whole number with its thousands marked. */
export function whole(n: number): string {
  return WHOLE.format(n);
}

/** The words for `key`; `{name}` is replaced by the value of that name, numbers get marks. */
export function say(lang: Lang, key: Word, values: Values = {}): string {
  const found: string | readonly [string, string] = lang === "zh" ? zh[key] : en[key];
  const count = values["n"] ?? values["d"];
  const text = typeof found === "string" ? found : found[count === 1 || count === "1" ? 0 : 1];
  return text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`words ${key}: no value for ${name}`);
    return typeof value === "number" ? whole(value) : value;
  });
}

/** Whether there are words for this key: flags and metrics of newer agents have none. */
export function isWord(key: string): key is Word {
  return Object.hasOwn(zh, key);
}
