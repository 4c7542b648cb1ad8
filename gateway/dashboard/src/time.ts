/**
 * Time as people read it: always the library's time zone, 24 hours, Monday first. Knows calendars
 * and words, no state. Instants are milliseconds since 1970.
 */
import type { Bucket } from "./api.ts";
import { say, type Lang } from "./words.ts";

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A civil date and time; the month counts from 1. */
export interface Civil {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatter(zone: string): Intl.DateTimeFormat {
  let known = formatters.get(zone);
  if (known === undefined) {
    known = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formatters.set(zone, known);
  }
  return known;
}

/** The civil time of an instant. */
export function civil(at: number, zone: string): Civil {
  const parts = new Map(formatter(zone).formatToParts(at).map((part) => [part.type, part.value]));
  const part = (name: Intl.DateTimeFormatPartTypes) => Number(parts.get(name));
  return {
    year: part("year"),
    month: part("month"),
    day: part("day"),
    hour: part("hour"),
    minute: part("minute"),
  };
}

/** The instant of a civil time; parts may overflow (day 0 is the last of the month before). */
export function instant(at: Partial<Civil> & { year: number }, zone: string): number {
  const { year, month = 1, day = 1, hour = 0, minute = 0 } = at;
  const wanted = Date.UTC(year, month - 1, day, hour, minute);
  // The offset at the guess may differ from the one at the answer: the second look settles it.
  let guess = wanted;
  for (let look = 0; look < 2; look++) {
    const seen = civil(guess, zone);
    const shown = Date.UTC(seen.year, seen.month - 1, seen.day, seen.hour, seen.minute);
    guess += wanted - shown;
  }
  return guess;
}

/** The beginning of the day `days` after that of `at`. */
export function dayStart(at: number, zone: string, days = 0): number {
  const { year, month, day } = civil(at, zone);
  return instant({ year, month, day: day + days }, zone);
}

/** `14:32` */
export function clock(at: number, zone: string): string {
  const { hour, minute } = civil(at, zone);
  return `${pad(hour)}:${pad(minute)}`;
}

/** `11月4日`, with the year where it is another than that of `now`. */
export function date(at: number, now: number, zone: string, lang: Lang): string {
  const { year, month, day } = civil(at, zone);
  const other = year !== civil(now, zone).year;
  if (lang === "zh") return `${other ? `${year}年` : ""}${month}月${day}日`;
  return `${day} ${MONTHS[month - 1] ?? ""}${other ? ` ${year}` : ""}`;
}

/** `今天 14:32`, `11月4日 14:32` */
export function moment(at: number, now: number, zone: string, lang: Lang): string {
  return `${dayName(at, now, zone, lang)} ${clock(at, zone)}`;
}

/** As `moment`, without “today”: for columns, where most are of today. */
export function shortMoment(at: number, now: number, zone: string, lang: Lang): string {
  if (dayStart(at, zone) === dayStart(now, zone)) return clock(at, zone);
  return moment(at, now, zone, lang);
}

function dayName(at: number, now: number, zone: string, lang: Lang): string {
  const start = dayStart(at, zone);
  if (start === dayStart(now, zone)) return say(lang, "time.today");
  if (start === dayStart(now, zone, -1)) return say(lang, "time.yesterday");
  return date(at, now, zone, lang);
}

/** `11月4日 周三`, `Wed 4 Nov` */
export function weekday(at: number, now: number, zone: string, lang: Lang): string {
  const { year, month, day } = civil(at, zone);
  const index = new Date(Date.UTC(year, month - 1, day)).getUTCDay();
  const text = date(at, now, zone, lang);
  return lang === "zh" ? `${text} 周${"日一二三四五六"[index]}` : `${WEEKDAYS[index]} ${text}`;
}

/** A period under its bar: `8:00`, `4日`, `11月`, `2026`. */
export function periodLabel(start: number, unit: Bucket, zone: string, lang: Lang): string {
  const { year, month, day, hour } = civil(start, zone);
  const monthText = lang === "zh" ? `${month}月` : (MONTHS[month - 1] ?? "");
  switch (unit) {
    case "hour":
      return `${hour}:00`;
    case "day":
      return lang === "zh" ? `${monthText}${day}日` : `${day} ${monthText}`;
    case "month":
      return monthText;
    case "year":
      return String(year);
  }
}

/** A period in full: `11月4日 周三 08:00–09:00`, `2026年11月`. */
export function periodName(
  start: number,
  end: number,
  unit: Bucket,
  now: number,
  zone: string,
  lang: Lang,
): string {
  const { year, month } = civil(start, zone);
  switch (unit) {
    case "hour":
      return `${weekday(start, now, zone, lang)} ${clock(start, zone)}–${clock(end, zone)}`;
    case "day":
      return weekday(start, now, zone, lang);
    case "month":
      return lang === "zh" ? `${year}年${month}月` : `${MONTHS[month - 1] ?? ""} ${year}`;
    case "year":
      return lang === "zh" ? `${year}年` : String(year);
  }
}

/** `47 分`, `1 小时 10 分`, `3 天` */
export function duration(milliseconds: number, lang: Lang): string {
  if (milliseconds < MINUTE) return say(lang, "time.seconds");
  const minutes = Math.floor(milliseconds / MINUTE);
  if (minutes < 60) return say(lang, "time.minutes", { m: minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return say(lang, "time.hours", { h: hours, m: pad(minutes % 60) });
  return say(lang, "time.days", { d: Math.floor(hours / 24) });
}

/** The name of the zone. */
export function zoneName(zone: string, lang: Lang): string {
  if (zone === "Asia/Shanghai") return say(lang, "zone.Asia/Shanghai");
  const format = new Intl.DateTimeFormat(lang === "zh" ? "zh-CN" : "en-GB", {
    timeZone: zone,
    timeZoneName: "longGeneric",
  });
  return format.formatToParts(0).find((part) => part.type === "timeZoneName")?.value ?? zone;
}

/** `2026-11-04`, as form fields have it. */
export function isoDate(at: number, zone: string): string {
  const { year, month, day } = civil(at, zone);
  return `${String(year).padStart(4, "0")}-${pad(month)}-${pad(day)}`;
}

/** The beginning of the day a form field names, if it names one. */
export function fromIsoDate(text: string, zone: string): number | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (match === null) return undefined;
  const at = instant({ year: Number(match[1]), month: Number(match[2]), day: Number(match[3]) }, zone);
  return isoDate(at, zone) === text ? at : undefined;
}

/** `2026-11-04T14:32`, as form fields have it. */
export function toLocal(at: number, zone: string): string {
  return `${isoDate(at, zone)}T${clock(at, zone)}`;
}

/** The instant a form field names. */
export function fromLocal(text: string, zone: string): number {
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0] = text.split(/[-T:]/).map(Number);
  return instant({ year, month, day, hour, minute }, zone);
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

function pad(n: number): string {
  return String(n).padStart(2, "0");
}
