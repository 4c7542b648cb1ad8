import assert from "node:assert/strict";
import { test } from "node:test";
import { command, isTaken, missing, nextRelease } from "./drafts.ts";

test("a release is called by the month after this one, in the library's zone", () => {
  assert.equal(nextRelease(Date.parse("2026-11-30T15:59:59Z"), "Asia/Shanghai", ["2026-10", "special"]), "2026-12");
  assert.equal(nextRelease(Date.parse("2026-11-30T16:00:00Z"), "Asia/Shanghai", []), "2027-01");
});

test("a month that is published already is not proposed again", () => {
  const november = Date.parse("2026-11-30T08:00:00Z");
  assert.equal(nextRelease(november, "Asia/Shanghai", ["2026-11", "2026-12"]), "2027-01");
  assert.equal(nextRelease(november, "Asia/Shanghai", ["2027-02", "2026-12"]), "2027-03");
});

test("what is there with its size is not brought again, what broke off is", () => {
  const draft = { files: [{ name: "a.epub", bytes: 5 }, { name: "b.epub", bytes: 2 }] };
  const chosen = ["a.epub", "b.epub", "c.epub"].map((name) => ({ name, size: 5 }));
  assert.deepEqual(missing(chosen, draft).map(({ name }) => name), ["b.epub", "c.epub"]);
});

test("books and lists of licences are taken, and nothing else", () => {
  for (const name of ["庄子.epub", "A.PDF", "licences.csv", "feed.json"]) assert.ok(isTaken({ name }), name);
  for (const name of [".DS_Store", "._a.epub", "a.txt", "epub"]) assert.ok(!isTaken({ name }), name);
});

test("what is typed names the draft, and takes a part only where that was said", () => {
  assert.equal(command("0123", false), "lujiang-gateway content publish --draft 0123 --keys /media/stick/lujiang");
  assert.match(command("0123", true), / --take-understood /);
});
