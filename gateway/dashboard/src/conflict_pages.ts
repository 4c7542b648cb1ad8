/** The pages of the conflicts, followed one after another. */
import type { ConflictPage } from "./loan_desk.ts";

/** Pages that are asked for: a thousand conflicts nobody looks through in a day. */
const PAGES_MAX = 5;

/** All pages as one, as many as that; `next` says where what is left begins. */
export async function following(
  page: (before?: number) => Promise<ConflictPage>,
  pages: number = PAGES_MAX,
): Promise<ConflictPage> {
  let all = await page();
  for (let asked = 1; asked < pages && all.next !== null; asked += 1) {
    const { conflicts, next } = await page(all.next);
    all = { ...all, conflicts: [...all.conflicts, ...conflicts], next };
  }
  return all;
}
