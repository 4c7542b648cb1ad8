import assert from "node:assert/strict";
import { test } from "node:test";
import { following } from "./conflict_pages.ts";
import type { Conflict, ConflictPage } from "./loan_desk.ts";

/** Pages of two, of so many conflicts. */
function gateway(total: number) {
  return async (before: number = total + 1): Promise<ConflictPage> => {
    const numbers = [before - 1, before - 2].filter((number) => number > 0);
    const last = numbers.at(-1) ?? 1;
    const conflicts = numbers.map((number) => ({ loan: { number } }) as Conflict);
    return { conflicts, total, next: last > 1 ? last : null };
  };
}

test("conflicts are asked for page after page until there are no more", async () => {
  const { conflicts, next, total } = await following(gateway(5));
  assert.deepEqual(conflicts.map(({ loan }) => loan.number), [5, 4, 3, 2, 1]);
  assert.deepEqual([next, total], [null, 5]);
});

test("beyond the most pages it is told that there are more, and how many in all", async () => {
  const { conflicts, next, total } = await following(gateway(9), 3);
  assert.deepEqual([conflicts.length, next, total], [6, 4, 9]);
});
