/** Who did something, as the page says it: a person by name, whoever else in the reader's words. */
import { t } from "./t.svelte.ts";
import type { Word } from "./words.ts";

/** How the gateway names who is no person. */
const NO_PERSONS: readonly (readonly [beginning: string, word: Word])[] = [
  ["admin token", "actor.admin-token"],
  ["command line, ", "actor.command-line"],
  ["token ", "actor.token"],
  ["device ", "actor.device"],
  ["address ", "actor.address"],
  ["gateway", "actor.gateway"],
];

export function actorName(actor: string): string {
  const found = NO_PERSONS.find(([beginning]) => actor.startsWith(beginning));
  if (found === undefined) return actor;
  const [beginning, word] = found;
  return t(word, { name: actor.slice(beginning.length) });
}
