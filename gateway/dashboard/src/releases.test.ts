import assert from "node:assert/strict";
import { test } from "node:test";
import { beginning, ending, endingSoon, isLookedFor, shares, size, type Title } from "./releases.ts";

const ZONE = "Asia/Shanghai";
const NOW = Date.parse("2026-11-04T06:32:00Z");

function title(until: string | null): Title {
  return {
    identifier: until ?? "never", title: "", authors: [], media_type: "", bytes: 0, since: null, until,
    copies: null, devices: {}, others: -1, phone: false, cover: null, changes: [],
  };
}

test("a last day is told with all of it", () => {
  assert.equal(ending("2026-11-30T16:00:00Z", NOW, ZONE, "zh"), "11月30日 24:00");
  assert.equal(ending("2026-12-31T16:00:00Z", NOW, ZONE, "en"), "31 Dec 24:00");
  assert.equal(ending("2026-11-30T10:00:00Z", NOW, ZONE, "zh"), "11月30日 18:00");
});

test("a first day is told as a day", () => {
  assert.equal(beginning("2026-10-31T16:00:00Z", NOW, ZONE, "zh"), "11月1日");
  assert.equal(beginning("2025-11-01T01:00:00Z", NOW, ZONE, "zh"), "2025年11月1日 09:00");
});

test("what ends soon is told in its order, and what is over is not", () => {
  const until = ["2026-12-04T06:32:00Z", null, "2026-11-04T06:32:01Z", "2026-11-04T06:32:00Z", "2026-12-04T06:32:01Z"];
  const soon = endingSoon(until.map(title), NOW).map(({ identifier }) => identifier);
  assert.deepEqual(soon, ["2026-11-04T06:32:01Z", "2026-12-04T06:32:00Z"]);
});

test("sizes have three digits or so", () => {
  assert.deepEqual([999, 5_000_000, 1_234_000_000].map(size), ["1 kB", "5.0 MB", "1.23 GB"]);
});

test("a title is found by its name, its author, and its number however it is written", () => {
  const book = { title: "湘东夜航", authors: ["Li Mingyuan"], identifier: "urn:isbn:9787101003048" };
  for (const text of ["", "夜航", "li ming", "978-7-101-00304-8", "00304"]) assert.ok(isLookedFor(book, text), text);
  for (const text of ["瓷话", "978-7-101-00305", "urn"]) assert.ok(!isLookedFor(book, text), text);
});

test("what a device is given is counted by the copies it has, and by those of everybody", () => {
  const titles = [
    { ...title("1"), devices: {}, others: -1 },
    { ...title("2"), devices: { a: 2, b: 1 }, others: 0 },
    { ...title("3"), devices: { b: 3 }, others: 0 },
  ];
  assert.deepEqual(shares(titles, ["a", "b", "c"]), [
    { device: "b", titles: 3, copies: 4, unlimited: 1 },
    { device: "a", titles: 2, copies: 2, unlimited: 1 },
    { device: "c", titles: 1, copies: 0, unlimited: 1 },
  ]);
});
