import assert from "node:assert/strict";
import { test } from "node:test";
import { expectedIn } from "./expected.ts";

test("what was expected is told in Chinese, with its numbers", () => {
  assert.equal(expectedIn("zh", "at most 60 persons a minute"), "每分钟至多 60 人");
  assert.equal(expectedIn("zh", "not to be missing"), "不可缺少");
  assert.equal(expectedIn("zh", "u64"), "不小于 0 的整数");
});

test("what is not known here is shown as it came", () => {
  assert.equal(expectedIn("zh", "a blue moon"), "a blue moon");
  assert.equal(expectedIn("en", "not to be missing"), "not to be missing");
});
