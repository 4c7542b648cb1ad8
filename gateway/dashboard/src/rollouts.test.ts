import assert from "node:assert/strict";
import { test } from "node:test";
import { acts, arrivalWords, byNeed, counted, losing, partOfDay, percentOf, type Member, type Rollout } from "./rollouts.ts";

const rollout: Rollout = {
  number: 1, release: "2026-12", state: "running", by: null, failures: null, asked_by: "administrator",
  approved_by: null, created: "2026-11-04T06:00:00Z", stage: 0, stages: [],
  counts: { waiting: 4, offered: 1, downloading: 2, verified: 1, installed: 1, shown: 5, failed: 1 },
  excused: 3, absent: [], arrival: null, is_open: true,
};

test("an abort concerns all that were told and have not shown it", () => {
  assert.equal(losing(rollout), 5);
  assert.equal(counted(rollout), 15, "who is expected off-line is not counted");
});

test("what may be done follows from the state; pause is there while it runs", () => {
  assert.deepEqual(acts(rollout), ["pause", "retry", "abort"]);
  assert.deepEqual(acts({ ...rollout, state: "awaiting-approval" }), ["approve", "abort"]);
  assert.deepEqual(acts({ ...rollout, state: "finished", counts: {} }), []);
  assert.deepEqual(acts({ ...rollout, state: "aborted" }), []);
});

test("99.9 percent is not all", () => {
  assert.equal(percentOf(999, 1_000), 99);
  assert.equal(percentOf(1_000, 1_000), 100);
  assert.equal(percentOf(0, 0), 0);
});

test("an arrival is told as people say it, in the library's zone", () => {
  const now = Date.parse("2026-11-04T06:32:00Z");
  const said = (at: string, lang: "zh" | "en") => arrivalWords(at, now, "Asia/Shanghai", lang);
  assert.equal(said("2026-11-05T10:20:00Z", "zh"), "明天傍晚");
  assert.equal(said("2026-11-07T10:20:00Z", "zh"), "周六傍晚");
  assert.equal(said("2026-11-07T10:20:00Z", "en"), "Saturday, evening");
  assert.equal(said("2026-11-04T09:00:00Z", "zh"), "今天下午");
  assert.equal(partOfDay(3), "night");
});

test("who failed stands first, who is expected off-line last", () => {
  const member = (device: string, given: Partial<Member>): Member => ({
    device, name: device, site: null, stage: 0, state: "offered", since: null, bytes: null, of: null, rate: null,
    arrival: null, reason: null, detail: null, attempt: 0, excused_until: null, is_absent: false, is_proved: false, ...given,
  });
  const rows = [
    member("shown", { state: "shown" }),
    member("bus", { excused_until: "2027-01-01T00:00:00Z" }),
    member("silent", { is_absent: true }),
    member("failed", { state: "failed" }),
  ];
  assert.deepEqual(byNeed(rows).map(({ device }) => device), ["failed", "silent", "shown", "bus"]);
});
