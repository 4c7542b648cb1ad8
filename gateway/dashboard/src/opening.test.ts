import assert from "node:assert/strict";
import { test } from "node:test";
import { isOpen, weekOf } from "./opening.ts";

const ZONE = "Asia/Shanghai";
const week = weekOf("Mon-Fri 08:30-17:30, Sat 09:00-24:00");

test("an hour is open where any minute of it is", () => {
  // The 4th of November 2026 is a Wednesday.
  assert.deepEqual([7, 8, 17, 18].map((hour) => open("04", hour)), [false, true, true, false]);
  assert.deepEqual([8, 9, 23].map((hour) => open("07", hour)), [false, true, true]);
  assert.equal(open("08", 10), false);
});

test("what is not understood hides nothing", () => {
  for (const odd of ["always", "on request", "Mon 8-17", "Fri-Mon 08:00-09:00"]) {
    assert.equal(isOpen([weekOf(odd)], 0, 3_600_000, ZONE), true, odd);
  }
  assert.equal(isOpen([weekOf("closed")], 0, 3_600_000, ZONE), false);
});

function open(day: string, hour: number): boolean {
  const start = Date.parse(`2026-11-${day}T${String(hour).padStart(2, "0")}:00:00+08:00`);
  return isOpen([week], start, start + 3_600_000, ZONE);
}
