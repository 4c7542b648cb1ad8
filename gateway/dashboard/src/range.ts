/** The time ranges one can ask visits for, always in the library's time. */
import type { Bucket } from "./api.ts";
import { civil, DAY, dayStart, fromIsoDate, instant } from "./time.ts";

export const RANGES = ["today", "yesterday", "week", "month", "year", "custom"] as const;
export type RangeName = (typeof RANGES)[number];
export const BUCKETS: readonly Bucket[] = ["hour", "day", "month", "year"];

/** `[from, to)` */
export interface Range {
  from: number;
  to: number;
}

/** More bars than this cannot be told apart; a bucket that would give more is not offered. */
const PERIODS_MAX = 400;
const LENGTH: Record<Bucket, number> = { hour: DAY / 24, day: DAY, month: 28 * DAY, year: 365 * DAY };

/** The range of this name at `now`; a custom one is given by its first and last day. */
export function rangeOf(
  name: RangeName,
  now: number,
  zone: string,
  days: { first: string; last: string } = { first: "", last: "" },
): Range | undefined {
  const { year, month } = civil(now, zone);
  const tomorrow = dayStart(now, zone, 1);
  switch (name) {
    case "today":
      return { from: dayStart(now, zone), to: tomorrow };
    case "yesterday":
      return { from: dayStart(now, zone, -1), to: dayStart(now, zone) };
    case "week":
      return { from: dayStart(now, zone, -6), to: tomorrow };
    case "month":
      return { from: instant({ year, month }, zone), to: instant({ year, month: month + 1 }, zone) };
    case "year":
      return { from: instant({ year }, zone), to: instant({ year: year + 1 }, zone) };
    case "custom": {
      const from = fromIsoDate(days.first, zone);
      const last = fromIsoDate(days.last, zone);
      if (from === undefined || last === undefined || last < from) return undefined;
      return { from, to: dayStart(last, zone, 1) };
    }
  }
}

/** The units a range can be divided into. */
export function bucketsFor({ from, to }: Range): Bucket[] {
  return BUCKETS.filter((bucket) => {
    const periods = (to - from) / LENGTH[bucket];
    return periods <= PERIODS_MAX && (periods >= 0.9 || bucket === "day");
  });
}

/** The unit one would choose. */
export function bestBucket(range: Range): Bucket {
  const days = (range.to - range.from) / DAY;
  if (days <= 2) return "hour";
  if (days <= 92) return "day";
  return days <= 3 * 366 ? "month" : "year";
}
