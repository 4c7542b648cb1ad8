import assert from "node:assert/strict";
import { test } from "node:test";
import { civil, date, dayStart, duration, fromIsoDate, instant, isoDate, moment, weekday } from "./time.ts";

const SHANGHAI = "Asia/Shanghai";
const now = Date.parse("2026-11-04T14:32:00+08:00");

test("a day begins at the library's midnight, wherever the browser is", () => {
  assert.equal(dayStart(now, SHANGHAI), Date.parse("2026-11-04T00:00:00+08:00"));
  assert.equal(dayStart(now, SHANGHAI, -1), Date.parse("2026-11-03T00:00:00+08:00"));
});

test("an instant and its civil time are each other's inverse, over a change of offset too", () => {
  for (const zone of [SHANGHAI, "UTC", "Europe/Berlin", "America/St_Johns"]) {
    for (let at = Date.UTC(2026, 2, 28); at < Date.UTC(2026, 2, 30); at += 30 * 60_000) {
      const seen = civil(at, zone);
      assert.deepEqual(civil(instant(seen, zone), zone), seen, `${zone} ${at}`);
    }
  }
});

test("days are named as people name them", () => {
  assert.equal(moment(now, now, SHANGHAI, "zh"), "今天 14:32");
  assert.equal(moment(now - 86_400_000, now, SHANGHAI, "en"), "yesterday 14:32");
  assert.equal(moment(Date.parse("2026-10-08T08:00:00+08:00"), now, SHANGHAI, "zh"), "10月8日 08:00");
  assert.equal(date(Date.parse("2025-12-31T23:59:59+08:00"), now, SHANGHAI, "zh"), "2025年12月31日");
  assert.equal(weekday(now, now, SHANGHAI, "zh"), "11月4日 周三");
});

test("a duration is floored", () => {
  assert.equal(duration(59_999, "en"), "under 1 min");
  assert.equal(duration(47 * 60_000 + 59_000, "zh"), "47 分");
  assert.equal(duration(70 * 60_000, "zh"), "1 小时 10 分");
});

test("a form field that names no day is none", () => {
  assert.equal(isoDate(now, SHANGHAI), "2026-11-04");
  assert.equal(fromIsoDate("2026-11-04", SHANGHAI), dayStart(now, SHANGHAI));
  assert.equal(fromIsoDate("2026-02-30", SHANGHAI), undefined);
  assert.equal(fromIsoDate("", SHANGHAI), undefined);
});
