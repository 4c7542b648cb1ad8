// Lending, conflicts and the bus on the page of a real gateway without a library system.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, assertNoSidewaysScroll, launch, photograph, reader, signIn } from "./browser.mjs";
import { Gateway, atNoon } from "./gateway.mjs";

let gateway;
let browser;
let desk;

before(async () => {
  [gateway, browser] = await Promise.all([Gateway.start(atNoon()), launch()]);
  await gateway.addGate("bus-1", "bus", "流动车", "bus");
  desk = await reader(browser);
  await signIn(desk.page, await gateway.signInLink());
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
});

async function happens(id, kind, data) {
  const source = "/devices/bus-1";
  const time = new Date().toISOString();
  await gateway.publish("bus-1", { specversion: "1.0", id, source, type: `library.${kind}.v1`, time, data });
}

function loan(item, session) {
  return { item, session, mode: "online", outcome: { ok: true }, stop: "stop-1" };
}

test("what was lent is counted in items and persons, by site and device", async () => {
  await happens("s-1", "stop.opened", { stop: "stop-1", place: "醴陵市实验小学", unit: "实验小学", occasion: "送书进学校", volumes: 320 });
  await happens("l-1", "loan.checkout", loan("LL0000001", "a"));
  await happens("l-2", "loan.checkout", loan("LL0000002", "a"));
  await happens("l-3", "loan.checkout", loan("LL0000003", "b"));
  const { page } = desk;
  await page.goto(`${gateway.address}loans`);
  await page.getByText("今天：外借 3 册次，2 人次").waitFor();
  await page.getByText("没有接图书馆系统：借还记录留着，可以导出").first().waitFor();
  const row = page.getByRole("table", { name: "按馆点和设备" }).getByRole("row").last();
  await row.filter({ hasText: "流动车" }).waitFor();
  assert.match(await row.innerText(), /流动车[\s\S]*3[\s\S]*2/);
  await assertAccessible(page, "loans");
  await photograph(page, "loans-light-zh");
});

test("a stop stands in the yearly table, and what it lacks is named", async () => {
  const { page } = desk;
  await page.goto(`${gateway.address}bus`);
  const row = page.getByRole("row", { name: /实验小学/ });
  assert.match(await row.innerText(), /320[\s\S]*—[\s\S]*3 \/ 0/);
  await page.getByText("1 站缺册数或人数，合计不含").waitFor();
  await happens("s-2", "stop.closed", { stop: "stop-1", participants: 650 });
  await page.getByRole("row", { name: /实验小学/ }).getByText("650").waitFor();
  assert.match(await page.getByRole("link", { name: "Excel" }).getAttribute("href"), /format=xlsx/);
  await assertAccessible(page, "bus");
  await photograph(page, "bus-light-zh");
});

test("what the library system has yet to hear of stands beside its bus, with the oldest of it", async () => {
  const { page } = desk;
  const row = page.getByRole("row", { name: /^流动车/ });
  await row.getByText("0", { exact: true }).first().waitFor();
  const lent = { item: "LL0000009", session: "c", mode: "offline", outcome: { ok: true }, patron: { id: "R1" } };
  await happens("l-4", "loan.checkout", lent);
  await row.getByText("1", { exact: true }).waitFor();
  assert.match(await row.innerText(), /[0—]\s+1\s+今天 \d\d:\d\d/);
  await photograph(page, "bus-waiting-light-zh");
  // It has hung up, and lends on: what waits on board is not known to be nothing.
  await row.getByText("离线").waitFor();
  assert.match(await row.innerText(), /离线\s+—\s+1/);
});

test("where nothing is disputed the page says so", async () => {
  const { page } = desk;
  await page.goto(`${gateway.address}conflicts`);
  await page.getByText("图书馆系统不同意的借还会列在这里。").waitFor();
  await assertAccessible(page, "conflicts");
});

test("all of it is readable on a phone and in English, and nothing is logged as an error", async () => {
  const { context, page, said } = await reader(browser, { viewport: { width: 390, height: 844 } });
  await signIn(page, await gateway.signInLink());
  for (const path of ["loans", "bus", "conflicts"]) {
    await page.goto(gateway.address + path);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await assertNoSidewaysScroll(page, path);
    await assertAccessible(page, `${path} on a phone`);
  }
  assert.deepEqual(complaints(said), []);
  await context.close();
  assert.deepEqual(complaints(desk.said), []);
});

/** What the console complained of; that nobody is signed in yet is how a page begins. */
function complaints(said) {
  return said.filter((line) => !line.includes("401"));
}
