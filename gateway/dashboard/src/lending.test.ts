import assert from "node:assert/strict";
import { test } from "node:test";
import { bySiteAndKind, loanPeriods, type LoanReport } from "./lending.ts";

const none = { checkouts: 0, in_blocks: 0, borrowers: 0, renewals: 0, checkins: 0, cards: 0 };
const ZONE = "Asia/Shanghai";

function report(checkouts: readonly number[]): LoanReport {
  const day = (index: number) => new Date(Date.parse("2026-11-02T00:00:00+08:00") + index * 86_400_000).toISOString();
  return {
    buckets: checkouts.map((n, index) => ({ ...none, start: day(index), checkouts: n })),
    rows: [
      { ...none, start: day(0), site: "main", kind: "self-checkout", checkouts: 2, borrowers: 1 },
      { ...none, start: day(1), site: "main", kind: "self-checkout", checkouts: 3, borrowers: 2 },
      { ...none, start: null, site: "bus", kind: "bus", checkouts: 7, borrowers: 4 },
    ],
    total: none,
    undated: none,
    gaps: [],
  };
}

test("a day on which nothing was lent is a counted zero, a day to come is none", () => {
  const now = Date.parse("2026-11-03T12:00:00+08:00");
  const periods = loanPeriods(report([5, 0, 0]), "day", ZONE, now);
  assert.deepEqual(
    periods.map(({ visits, known }) => [visits, known]),
    [
      [5, "full"],
      [0, "running"],
      [null, "future"],
    ],
  );
});

test("shares are added up over the days, the undated among them", () => {
  const shares = bySiteAndKind(report([]));
  assert.deepEqual(
    shares.map(({ site, kind, checkouts, borrowers }) => [site, kind, checkouts, borrowers]),
    [
      ["bus", "bus", 7, 4],
      ["main", "self-checkout", 5, 3],
    ],
  );
});
