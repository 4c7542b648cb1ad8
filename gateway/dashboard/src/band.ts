/**
 * The completeness band: what is known of each period. Missing never looks like zero: a period of
 * which nothing was seen has no count at all.
 */
import type { Bucket, VisitBucket } from "./api.ts";
import { civil, instant, MINUTE } from "./time.ts";

export type Known =
  /** All of it was watched. */
  | "full"
  /** It still runs, and nothing of it is missing. */
  | "running"
  /** Part of it was not watched, or has not arrived. */
  | "partial"
  /** Nothing of it was watched. */
  | "missing"
  /** Nothing was expected: closed. */
  | "closed"
  /** Still to come. */
  | "future";

/** One period as shown. */
export interface Period {
  start: number;
  end: number;
  known: Known;
  /** The visits; none where nothing is known. */
  visits: number | null;
  /** The visits of the period to compare with; none where nobody watched then. */
  before: number | null;
  bucket: VisitBucket;
}

/** Counted periods are this long on their way at most, before they are called missing. */
const ON_ITS_WAY = 10 * MINUTE;

/** The periods of a report, as they are known at `now`. */
export function periodsOf(
  buckets: readonly VisitBucket[],
  unit: Bucket,
  zone: string,
  now: number,
  before: readonly VisitBucket[] = [],
): Period[] {
  // Hours of a day that was longer or shorter stand beside other hours.
  const compared = before.length === buckets.length ? before : [];
  return buckets.map((bucket, index) => {
    const start = Date.parse(bucket.start);
    const end = endOf(start, unit, zone);
    const known = knownOf(bucket, start, end, now);
    const isCounted = known === "full" || known === "running" || known === "partial" || bucket.visits > 0;
    const then = compared[index];
    const isComparable = then !== undefined && then.complete !== null && then.complete > 0;
    return {
      start,
      end,
      known,
      visits: isCounted ? bucket.visits : null,
      before: isComparable ? then.visits : null,
      bucket,
    };
  });
}

function knownOf(bucket: VisitBucket, start: number, end: number, now: number): Known {
  if (start >= now) return "future";
  if (bucket.complete === null) return "closed";
  if (bucket.complete >= 1) return end > now ? "running" : "full";
  const expected = Math.min(end, now) - start;
  const unseen = (1 - bucket.complete) * expected;
  if (end + ON_ITS_WAY > now && unseen <= ON_ITS_WAY) return "running";
  return bucket.complete > 0 ? "partial" : "missing";
}

function endOf(start: number, unit: Bucket, zone: string): number {
  const at = civil(start, zone);
  switch (unit) {
    case "hour":
      return start + 60 * MINUTE;
    case "day":
      return instant({ ...at, day: at.day + 1 }, zone);
    case "month":
      return instant({ ...at, month: at.month + 1 }, zone);
    case "year":
      return instant({ ...at, year: at.year + 1 }, zone);
  }
}

/**
 * Without the closed hours at both ends of the day, so that a library open from 9 to 21 fills the
 * chart. Inside they stay: a lunch break is part of the day. Of hours to come the gateway expects
 * nothing yet; whether these are open is for the caller to say.
 */
export function openPart(
  periods: readonly Period[],
  isToBeOpen: (period: Period) => boolean = () => true,
): Period[] {
  const isShown = (period: Period) => {
    if (period.known === "future") return isToBeOpen(period);
    return period.known !== "closed" || period.visits !== null;
  };
  const first = periods.findIndex(isShown);
  if (first === -1) return [...periods];
  return periods.slice(first, periods.findLastIndex(isShown) + 1);
}

/** `96.8%`: rounded down, so that 100% is the whole. */
export function percent(complete: number): string {
  const tenths = Math.floor(complete * 1_000 + 1e-9);
  return tenths % 10 === 0 ? `${tenths / 10}%` : `${(tenths / 10).toFixed(1)}%`;
}
