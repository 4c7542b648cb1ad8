/** Opening hours as the gateway writes them: `Mon-Fri 08:30-17:30, Sat 09:00-12:00`. */
import { civil, HOUR, MINUTE } from "./time.ts";

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** Milliseconds after midnight; none where closed that day. Monday first. */
export type Week = readonly ({ from: number; until: number } | undefined)[];

/** Reads a week; what it does not understand is open, so that nothing is ever hidden by mistake. */
export function weekOf(text: string): Week {
  const always = DAYS.map(() => ({ from: 0, until: 24 * HOUR }));
  if (text === "always") return always;
  const week: { from: number; until: number }[] = [];
  if (text === "closed") return DAYS.map(() => undefined);
  for (const part of text.split(",")) {
    const match = /^(\w{3})(?:-(\w{3}))? (\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(part.trim());
    if (match === null) return always;
    const first = DAYS.indexOf(match[1] ?? "");
    const last = match[2] === undefined ? first : DAYS.indexOf(match[2]);
    if (first === -1 || last < first) return always;
    const [from, until] = [at(match[3], match[4]), at(match[5], match[6])];
    for (let day = first; day <= last; day++) week[day] = { from, until };
  }
  return DAYS.map((_, day) => week[day]);
}

/** Whether one of these weeks is open at some time in `[start, end)`, within one day. */
export function isOpen(weeks: readonly Week[], start: number, end: number, zone: string): boolean {
  const { year, month, day, hour, minute } = civil(start, zone);
  const weekday = (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7;
  const from = hour * HOUR + minute * MINUTE;
  const until = from + (end - start);
  return weeks.some((week) => {
    const hours = week[weekday];
    return hours !== undefined && hours.from < until && from < hours.until;
  });
}

function at(hours = "0", minutes = "0"): number {
  return Number(hours) * HOUR + Number(minutes) * MINUTE;
}
