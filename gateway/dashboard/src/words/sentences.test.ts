import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { zhSentences } from "./sentences.zh.ts";

/** Where the gateway's sentences stand. */
const SOURCES = ["conflict", "late", "ruling", "forecast"].map((name) => `../src/desk/${name}.rs`);

/** Every sentence in a source: a text that ends as one does, but those of errors and tests. */
function sentencesOf(file: string): string[] {
  const [source = ""] = readFileSync(file, "utf8").split("#[cfg(test)]");
  const code = source.split("\n").filter((line) => !line.includes("#[error(")).join("\n");
  const texts = [...code.matchAll(/"((?:[^"\\]|\\[^])*)"/g)].map(([, text = ""]) => text.replace(/\\\n\s*/g, ""));
  return texts.filter((text) => text.includes(" ") && text.endsWith("."));
}

test("every sentence the loan desk can say stands here in Chinese, and no other", () => {
  const said = new Set(SOURCES.flatMap(sentencesOf));
  assert.ok(said.size > 30, "the sentences are looked for where they are");
  assert.deepEqual(Object.keys(zhSentences).toSorted(), [...said].toSorted());
});
