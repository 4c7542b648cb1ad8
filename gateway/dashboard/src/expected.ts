/**
 * What the gateway says it expected, in the reader's language. It says so in English, in a few
 * fixed forms; what is not known here is shown as it came.
 */
import type { Lang } from "./words.ts";

/** A form and its words; `$1` is what stands in its brackets. */
const FORMS: readonly (readonly [RegExp, string])[] = [
  [/^not to be missing$/, "不可缺少"],
  [/^something else$/, "其他内容"],
  [/^at least one element$/, "至少一条"],
  [/^a JSON object or array$/, "JSON 对象或数组"],
  [/^a JSON object$/, "JSON 对象"],
  [/^\/devices\/ and the name of the connected device$/, "/devices/ 加上所连设备的编号"],
  [/^one that was not used before with other content$/, "未曾用于其他内容的编号"],
  [/^at most (\d+) persons a minute$/, "每分钟至多 $1 人"],
  [/^an RFC 3339 time( with an offset)?.*$/, "RFC 3339 时间，带时区，如 2026-11-22T10:00:00Z"],
  [/^a day as (\S+), or an RFC 3339 time$/, "日期（如 $1）或 RFC 3339 时间"],
  [/^a time after from$/, "晚于 from 的时间"],
  [/^20 decimal digits, at least 1$/, "20 位十进制数字，不小于 1"],
  [/^a sequence number, at least 1$/, "序号，不小于 1"],
  [/^a sequence number from `from` on$/, "不小于 from 的序号"],
  [/^milliseconds in decimal digits$/, "以十进制数字写的毫秒数"],
  [/^loan, visit, usage or receipt$/, "loan、visit、usage 或 receipt"],
  [/^(a|any) string$/, "文本"],
  [/^(a|any) boolean$/, "true 或 false"],
  [/^(u64|u32|u16|a number|an integer)$/, "不小于 0 的整数"],
  [/^a sequence$/, "数组"],
  [/^a map$/, "JSON 对象"],
  [/^struct \w+$/, "JSON 对象"],
  [/^at most (.+)$/, "至多 $1"],
  [/^1 to (\d+) of (.+)$/, "1 至 $1 个字符：$2"],
  [/^1 to (\d+) (characters|bytes).*$/, "1 至 $1 个字符"],
  [/^one of (.+)$/, "$1 之一"],
];

/** The words for an expectation. */
export function expectedIn(lang: Lang, told: string): string {
  if (lang === "en") return told;
  const form = FORMS.find(([shape]) => shape.test(told));
  return form === undefined ? told : told.replace(form[0], form[1]);
}
