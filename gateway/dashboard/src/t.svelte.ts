/** Words and times in the reader's language and the library's zone, as of now. */
import { desk } from "./desk.svelte.ts";
import { settings } from "./settings.svelte.ts";
import * as time from "./time.ts";
import { say, type Values, type Word } from "./words.ts";

/** Words. */
export function t(key: Word, values?: Values): string {
  return say(settings.lang, key, values);
}

/** `今天 14:32` */
export function moment(at: string | number): string {
  return time.moment(instant(at), desk.now, desk.zone, settings.lang);
}

/** `14:32`, or with the day where it is not today's. */
export function shortMoment(at: string | number): string {
  return time.shortMoment(instant(at), desk.now, desk.zone, settings.lang);
}

/** `14:32` */
export function clock(at: string | number): string {
  return time.clock(instant(at), desk.zone);
}

/** `47 分` */
export function duration(milliseconds: number): string {
  return time.duration(milliseconds, settings.lang);
}

/** How long ago, where that is under an hour; empty otherwise, for then nobody counts minutes. */
export function ago(at: string | number): string {
  const since = desk.now - instant(at);
  return since >= 0 && since < time.HOUR ? duration(since) : "";
}

function instant(at: string | number): number {
  return typeof at === "number" ? at : Date.parse(at);
}
