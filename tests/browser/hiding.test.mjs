// A title is hidden on the page of a real gateway: the gateway signs it, and the page believes no
// kiosk to have done it before that kiosk has said so.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, assertNoSidewaysScroll, launch, photograph, reader, signIn } from "./browser.mjs";
import { Gateway } from "./gateway.mjs";
import { titledEpub } from "./zip.mjs";

const ISBN = "9787101003048";
const TITLE = `urn:isbn:${ISBN}`;
let gateway, browser, token;

before(async () => {
  [gateway, browser] = await Promise.all([Gateway.start(), launch()]);
  const vault = await gateway.beginContent();
  await gateway.addKiosk("kiosk-1", "main", "主馆借阅机");
  await gateway.addKiosk("kiosk-2", "main", "东岗村借阅机");
  const books = { "zhuangzi.epub": titledEpub("庄子", ISBN), "laozi.epub": titledEpub("老子", "9787101003055") };
  const licences = "file,end,copies\nzhuangzi.epub,2099-12-31,2\nlaozi.epub,,\n";
  await gateway.publishBooks("2026-11", vault, books, licences);
  token = await gateway.addToken("page-test", "operate");
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
});

test("a title is found by its number and hidden by keyboard, with a reason; the gateway signs it", async () => {
  const { context, page, said } = await opened();
  await page.getByLabel("查找书名、作者、ISBN").focus();
  await page.keyboard.type("978-7-101-00304-8");
  await page.getByRole("row", { name: /老子/ }).waitFor({ state: "detached" });
  await page.getByRole("button", { name: "下架《庄子》" }).press("Enter");
  const dialog = page.getByRole("dialog", { name: "下架《庄子》" });
  await dialog.getByText("登记的 2 台").waitFor();
  await dialog.getByText(/2 台不在线：.*主馆借阅机/).waitFor();
  await assertAccessible(page, "hide");
  await photograph(page, "hide-dialog");
  await dialog.getByRole("button", { name: /^下架，2 台/ }).press("Enter");
  await dialog.getByRole("alert").getByText("请写理由").waitFor();
  assert.deepEqual((await ask("/content/notices")).hidden, [], "nothing is hidden without a reason");
  const before = await revision();
  await page.keyboard.type("出版社撤回授权");
  await page.keyboard.press("Enter");
  await page.getByText("《庄子》已下架，等各借阅机确认。").waitFor();

  const { hidden } = await ask("/content/notices");
  assert.deepEqual(hidden.map(({ title, reason }) => [title, reason]), [[TITLE, "出版社撤回授权"]]);
  assert.ok((await revision()) > before, "devices are told of another revision");
  await page.getByText("2 台中 0 台已下架").waitFor();
  assert.deepEqual(said, []);
  await context.close();
});

test("a kiosk counts once it has said so itself, and not when it has only heard of it", async () => {
  const { context, page, said } = await opened();
  const newest = await revision();
  await gateway.publishReported("kiosk-1", { content: { revision: newest, notices: newest } });
  await page.getByText("2 台中 1 台已下架").waitFor();
  await page.getByText("还没有确认：东岗村借阅机").waitFor();
  await gateway.publishReported("kiosk-2", { content: { revision: newest, notices: newest - 1 } });
  await page.reload();
  await page.getByText("2 台中 1 台已下架").waitFor();
  await photograph(page, "hidden-in-part");
  await gateway.publishReported("kiosk-2", { content: { revision: newest, notices: newest } });
  await page.getByText("2 台都已下架").waitFor();
  assert.deepEqual(said, []);
  await context.close();
});

test("what is hidden is shown again by one press, and both are on record", async () => {
  const { context, page, said } = await opened();
  await page.getByRole("button", { name: "恢复上架《庄子》" }).press("Enter");
  await page.getByText("《庄子》恢复上架").waitFor();
  assert.deepEqual((await ask("/content/notices")).hidden, []);
  await page.getByRole("button", { name: "下架《庄子》" }).waitFor();
  await page.goto(`${gateway.address}audit?kind=content`);
  await page.getByRole("row", { name: /恢复一种书/ }).waitFor();
  await page.getByRole("row", { name: /下架一种书/ }).waitFor();
  assert.deepEqual(said, []);
  await context.close();
});

test("licences over time, and what each kiosk is given, are seen at a glance on a phone too", async () => {
  const { context } = await opened();
  const storageState = await context.storageState();
  for (const [look, options] of Object.entries({ light: {}, dark: { colorScheme: "dark" }, phone: { viewport: { width: 390, height: 844 } } })) {
    await Promise.all(["zh", "en"].map(async (lang) => {
      const within = await reader(browser, { ...options, storageState });
      await within.page.addInitScript((one) => localStorage.setItem("lujiang.lang", one), lang);
      await within.page.goto(`${gateway.address}releases?view=timeline`);
      await within.page.getByRole("group", { name: /授权期时间轴|Licences over time/ }).getByText("庄子").waitFor();
      await within.page.getByRole("table", { name: /各设备分到多少|What each device is given/ }).getByRole("row", { name: /主馆借阅机.*2/ }).waitFor();
      await assertAccessible(within.page, `timeline-${look}-${lang}`);
      await assertNoSidewaysScroll(within.page, `timeline-${look}-${lang}`);
      await photograph(within.page, `timeline-${look}-${lang}`);
      assert.deepEqual(within.said, []);
      await within.context.close();
    }));
  }
  await context.close();
});

async function opened() {
  const it = await reader(browser);
  await signIn(it.page, await gateway.signInLink());
  await it.page.goto(`${gateway.address}releases`);
  await it.page.getByRole("row", { name: /老子/ }).waitFor();
  // Whoever is not signed in yet is told so by a 401, and the console tells of that.
  it.said.length = 0;
  return it;
}

async function ask(path) {
  const answer = await fetch(`${gateway.address}api/v1${path}`, { headers: { authorization: `Bearer ${token}` } });
  assert.ok(answer.ok, `${path}: ${answer.status}`);
  return answer.json();
}

/** The version of the newest metadata. */
async function revision() {
  const { roles } = await ask("/content/repository");
  return roles.find(({ role }) => role === "snapshot").version;
}
