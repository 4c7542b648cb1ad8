import assert from "node:assert/strict";
import { test } from "node:test";
import { inOrder, newId, stateOf, type Notice } from "./notices.ts";

const notice = (given: Partial<Notice>): Notice => ({ id: "a", title: "t", body: "", from: "2026-11-04T00:00:00Z", until: null, order: 0, ...given });
const NOW = Date.parse("2026-11-04T06:32:00Z");

test("a notice is coming, shown, and over by its two moments, the end not included", () => {
  assert.equal(stateOf(notice({ from: "2026-11-04T06:32:01Z" }), NOW), "coming");
  assert.equal(stateOf(notice({ from: "2026-11-04T06:32:00Z" }), NOW), "shown");
  assert.equal(stateOf(notice({ until: "2026-11-04T06:32:00Z" }), NOW), "over");
});

test("the loop goes by order, then by id", () => {
  const loop = inOrder([notice({ id: "c" }), notice({ id: "b", order: 1 }), notice({ id: "a" }), notice({ id: "z", order: -1 })]);
  assert.deepEqual(loop.map(({ id }) => id), ["z", "a", "c", "b"]);
});

test("two notices of one minute are two", () => {
  assert.equal(newId("2026-11-04T14:32", []), "2026-11-04-1432");
  assert.equal(newId("2026-11-04T14:32", ["2026-11-04-1432"]), "2026-11-04-1432-2");
});
