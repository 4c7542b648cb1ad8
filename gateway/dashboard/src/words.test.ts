import assert from "node:assert/strict";
import { test } from "node:test";
import { en } from "./words/en.ts";
import { zh } from "./words/zh.ts";
import { say } from "./words.ts";

const holes = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort().join();

test("both languages have the same keys", () => {
  assert.deepEqual(Object.keys(en).sort(), Object.keys(zh).sort());
});

test("both languages take the same values", () => {
  for (const [key, chinese] of Object.entries(zh)) {
    const english = en[key as keyof typeof zh];
    const other = typeof english === "string" ? english : english[1];
    // "The other device is well." and "1" as a count alone may drop or keep the number.
    assert.equal(holes(other), holes(chinese), key);
  }
});

test("a number decides the English form", () => {
  assert.equal(say("en", "verdict.things", { n: 1 }), "1 thing needs you");
  assert.equal(say("en", "verdict.things", { n: 3 }), "3 things need you");
  assert.equal(say("zh", "verdict.things", { n: 1234 }), "1,234 件事需要处理");
});

test("a forgotten value is an error, not a hole in the page", () => {
  assert.throws(() => say("zh", "verdict.things"), /no value for n/);
});

test("nobody apologises or shouts", () => {
  for (const text of Object.values(zh)) assert.doesNotMatch(text, /抱歉|！/);
});
