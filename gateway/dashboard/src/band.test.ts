import assert from "node:assert/strict";
import { test } from "node:test";
import type { VisitBucket } from "./api.ts";
import { openPart, percent, periodsOf } from "./band.ts";

const ZONE = "Asia/Shanghai";
const now = Date.parse("2026-11-04T14:32:00+08:00");

test("what was not watched has no count, what was watched in vain has zero", () => {
  const [unseen, empty] = hours([{ hour: 9, complete: 0 }, { hour: 10, complete: 1 }]);
  assert.deepEqual([unseen?.known, unseen?.visits], ["missing", null]);
  assert.deepEqual([empty?.known, empty?.visits], ["full", 0]);
});

test("visits that did arrive are shown, however incomplete their hour", () => {
  const [odd] = hours([{ hour: 9, complete: 0, visits: 7 }]);
  assert.deepEqual([odd?.known, odd?.visits], ["missing", 7]);
});

test("an hour that runs is not called missing for its last minutes", () => {
  const known = hours([
    { hour: 13, complete: 0.9 },
    { hour: 14, complete: 0.95 },
    { hour: 14, complete: 0.4 },
    { hour: 15, complete: null },
  ]).map((period) => period.known);
  assert.deepEqual(known, ["partial", "running", "partial", "future"]);
});

test("a percentage is rounded down and whole only when whole", () => {
  assert.deepEqual([0.9999, 0.968, 1, 0, 0.29].map(percent), ["99.9%", "96.8%", "100%", "0%", "29%"]);
});

test("closed hours at both ends are left out, those within are not", () => {
  const shown = openPart(
    hours([
      { hour: 7, complete: null },
      { hour: 8, complete: 1 },
      { hour: 12, complete: null },
      { hour: 13, complete: 1 },
      { hour: 15, complete: null },
      { hour: 16, complete: null },
    ]),
    (period) => period.start < Date.parse("2026-11-04T16:00:00+08:00"),
  );
  assert.deepEqual(shown.map((period) => period.known), ["full", "closed", "full", "future"]);
});

test("a month ends where the next begins", () => {
  const [february] = periodsOf([bucket("2026-02-01T00:00:00+08:00", 1)], "month", ZONE, now);
  assert.equal(february?.end, Date.parse("2026-03-01T00:00:00+08:00"));
});

function hours(given: { hour: number; complete: number | null; visits?: number }[]) {
  const buckets = given.map(({ hour, complete, visits }) =>
    bucket(`2026-11-04T${String(hour).padStart(2, "0")}:00:00+08:00`, complete, visits),
  );
  return periodsOf(buckets, "hour", ZONE, now);
}

function bucket(start: string, complete: number | null, visits = 0): VisitBucket {
  return { start, in: visits, out: visits, visits, complete };
}
