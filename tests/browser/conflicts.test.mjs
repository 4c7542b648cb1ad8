// What the library system disputes, ruled on by keyboard, and the library system behind it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, launch, photograph, reader, signIn } from "./browser.mjs";
import { Gateway } from "./gateway.mjs";
import { SmallIls } from "./small_ils.mjs";

const [READER, OTHER, BLOCKED] = ["430281200001010018", "43028119991231002X", "430281198001010019"];
const SOON_MS = 60_000;

let ils;
let gateway;
let browser;
let desk;

before(async () => {
  ils = await SmallIls.start({
    items: ["LL0000001", "LL0000002", "LL0000003"],
    readers: [READER, OTHER],
    blocked: [BLOCKED],
    lent: [`LL0000002=${OTHER}`],
  });
  const loans = `[loans]\nmake = "evergreen"\npatience = "1ms"\nrequest_interval = "1ms"\nbreak_pause = "20ms"\nruling_delay = "1s"\n[loans.ils]\nhost = "${ils.host}"\nport = ${ils.port}\nbackoff_min = "20ms"\nbackoff_max = "200ms"\n`;
  [gateway, browser] = await Promise.all([Gateway.start(loans), launch()]);
  await gateway.addGate("bus-1", "bus", "流动车", "bus");
  desk = await reader(browser);
  await signIn(desk.page, await gateway.signInLink());
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
  await ils?.stop();
});

/** The bus lent it while nobody could be asked. */
async function lentOffLine(id, item, patron, ago = 0) {
  const now = Date.now() - ago;
  const data = {
    item,
    patron: { id: patron },
    due: new Date(now + 30 * 86_400_000).toISOString(),
    session: id,
    mode: "offline",
    outcome: { ok: true },
  };
  const [source, time] = ["/devices/bus-1", new Date(now).toISOString()];
  await gateway.publish("bus-1", { specversion: "1.0", id, source, type: "library.loan.checkout.v1", time, data });
}

async function untilLent(expected) {
  const deadline = Date.now() + SOON_MS;
  for (;;) {
    const lent = await ils.lent();
    if (JSON.stringify(lent) === JSON.stringify(expected)) return;
    assert.ok(Date.now() < deadline, `lent: ${JSON.stringify(lent)}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

async function ruleByKeyboard(page, key, reason) {
  await page.keyboard.press(key);
  // Without a reason nothing is done, and the field for it has the focus.
  await page.getByText("先写理由。").waitFor();
  await page.keyboard.type(reason);
  await page.keyboard.press("Tab");
  await page.keyboard.press(key);
}

test("an item that is out to another is a conflict with its history, and force moves it there", async () => {
  // The first loan shows the gateway what the library system can tell.
  await lentOffLine("l-1", "LL0000001", READER);
  await untilLent({ LL0000001: READER, LL0000002: OTHER });
  await lentOffLine("l-2", "LL0000002", READER);
  const { page } = desk;
  await page.goto(`${gateway.address}conflicts`);
  await page.getByText("图书馆系统显示该书已由他人借出。").last().waitFor({ timeout: SOON_MS });
  await page.getByRole("listitem").filter({ hasText: "本笔" }).waitFor();
  await assertAccessible(page, "a conflict");
  await photograph(page, "conflict-light-zh");

  await ruleByKeyboard(page, "2", "书在读者手里，读者证核对过");
  await untilLent({ LL0000001: READER, LL0000002: READER });
  await page.getByText("图书馆系统不同意的借还会列在这里。").waitFor({ timeout: SOON_MS });
});

test("what the library system refuses stands in its own words, and dismissed it is told nothing", async () => {
  await lentOffLine("l-3", "LL0000003", BLOCKED);
  const { page } = desk;
  await page.getByText("图书馆系统的原话").waitFor({ timeout: SOON_MS });
  assert.match(await page.getByRole("blockquote").innerText(), /\S/);
  await photograph(page, "conflict-words-light-zh");
  // While somebody writes why, a bus brings one that happened before: it does not take its place.
  await page.keyboard.press("3");
  await page.getByText("先写理由。").waitFor();
  await page.keyboard.type("读者把书");
  await lentOffLine("l-4", "LL0000009", READER, 3_600_000);
  await page.getByText("2 笔借还等馆员裁定").waitFor({ timeout: SOON_MS });
  await page.keyboard.type("留在车上了");
  assert.equal(await page.getByLabel("理由").inputValue(), "读者把书留在车上了");
  await page.getByRole("blockquote").waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("3");
  await page.getByText("1 笔借还等馆员裁定").waitFor({ timeout: SOON_MS });
  await page.getByRole("listitem").filter({ hasText: "LL0000009" }).waitFor();
  await page.getByText("图书馆系统的原话").waitFor();
  await ruleByKeyboard(page, "3", "条码贴错了");
  await page.getByText("图书馆系统不同意的借还会列在这里。").waitFor({ timeout: SOON_MS });
  await untilLent({ LL0000001: READER, LL0000002: READER });
});

test("a payment nobody confirmed stands beside the conflicts with its amount, and what to do", async () => {
  const { page } = desk;
  assert.equal(await page.getByText("未确认的缴费").count(), 0);
  const time = new Date().toISOString();
  const data = { amount: "3.50", currency: "CNY", session: "hall 7" };
  await gateway.publish("bus-1", {
    specversion: "1.0",
    id: "p-1",
    source: "/devices/bus-1",
    type: "library.payment.unresolved.v1",
    time,
    data,
  });
  const row = page.getByRole("row", { name: /3\.50 CNY/ });
  await row.waitFor({ timeout: SOON_MS });
  assert.match(await row.innerText(), /流动车/);
  await page.getByText("先与图书馆系统里的缴费记录核对").waitFor();
  await assertAccessible(page, "a payment");
  await photograph(page, "payment-light-zh");
});

test("what the library system can answer is found out again when staff says so", async () => {
  const { page } = desk;
  await page.goto(`${gateway.address}loans`);
  const known = page.locator('dl[aria-labelledby="abilities"]');
  await known.getByText("能", { exact: true }).first().waitFor({ timeout: SOON_MS });
  await photograph(page, "abilities-light-zh");
  await page.getByRole("button", { name: "重新了解" }).click();
  await page.getByRole("button", { name: "重新了解" }).waitFor({ state: "detached", timeout: SOON_MS });
  await known.getByText("还没有试过").nth(2).waitFor();
  assert.equal(await known.getByText("还没有试过").count(), 3);
});

test("the audit says who ruled and why, and no reader stands in it", async () => {
  const { page, said } = desk;
  await page.goto(`${gateway.address}audit`);
  const rows = page.getByRole("row", { name: /loans\.rule/ });
  await rows.first().waitFor();
  assert.equal(await rows.count(), 3);
  const told = await page.getByRole("main").innerText();
  assert.match(told, /读者证核对过/);
  assert.match(told, /读者把书留在车上了/);
  for (const number of [READER, OTHER, BLOCKED]) assert.ok(!told.includes(number.slice(0, 17)));
  assert.deepEqual(said.filter((line) => !line.includes("401")), []);
});
