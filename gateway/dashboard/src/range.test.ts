import assert from "node:assert/strict";
import { test } from "node:test";
import { bestBucket, bucketsFor, rangeOf, type RangeName } from "./range.ts";

const ZONE = "Asia/Shanghai";
// Late in the evening of UTC's 3rd: in the library it is the 4th already.
const now = Date.parse("2026-11-03T17:00:00Z");

test("ranges are cut at the library's midnights", () => {
  assert.deepEqual(span("today"), ["2026-11-03T16:00:00.000Z", "2026-11-04T16:00:00.000Z"]);
  assert.deepEqual(span("yesterday"), ["2026-11-02T16:00:00.000Z", "2026-11-03T16:00:00.000Z"]);
  assert.deepEqual(span("week"), ["2026-10-28T16:00:00.000Z", "2026-11-04T16:00:00.000Z"]);
  assert.deepEqual(span("month"), ["2026-10-31T16:00:00.000Z", "2026-11-30T16:00:00.000Z"]);
  assert.deepEqual(span("year"), ["2025-12-31T16:00:00.000Z", "2026-12-31T16:00:00.000Z"]);
});

test("a custom range includes its last day and refuses to end before it begins", () => {
  assert.deepEqual(span("custom", "2026-11-01", "2026-11-01"), [
    "2026-10-31T16:00:00.000Z",
    "2026-11-01T16:00:00.000Z",
  ]);
  assert.equal(rangeOf("custom", now, ZONE, { first: "2026-11-02", last: "2026-11-01" }), undefined);
});

test("a unit that gives too many periods, or less than one, is not offered", () => {
  assert.deepEqual(bucketsFor(range("today")), ["hour", "day"]);
  assert.deepEqual(bucketsFor(range("year")), ["day", "month", "year"]);
  assert.equal(bestBucket(range("today")), "hour");
  assert.equal(bestBucket(range("year")), "month");
});

function range(name: RangeName) {
  const found = rangeOf(name, now, ZONE);
  assert.ok(found);
  return found;
}

function span(name: RangeName, first = "", last = "") {
  const found = rangeOf(name, now, ZONE, { first, last });
  return found && [found.from, found.to].map((at) => new Date(at).toISOString());
}
