// The page of a real gateway, from the sign-in link to the moment the gateway dies.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  assertAccessible, assertNoSidewaysScroll, launch, photograph, reader, signIn, SOON_MS,
} from "./browser.mjs";
import { Gateway } from "./gateway.mjs";

let gateway;
let browser;
/** Signed in once; the tests go on from one another as a reader does. */
let desk;

before(async () => {
  [gateway, browser] = await Promise.all([Gateway.start(), launch()]);
  await gateway.addGate("main-north", "main", "主馆北门");
  await gateway.nameSite("main", "主馆");
  desk = await reader(browser);
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
});

test("who is not signed in is told where the link is", async () => {
  const { context, page } = await reader(browser);
  await page.goto(gateway.address);
  await page.getByRole("heading", { name: "请用登录链接打开" }).waitFor();
  assert.equal(await page.locator("code").textContent(), "lujiang-gateway sign-in");
  assert.equal(await page.locator("html").getAttribute("lang"), "zh-CN");
  await assertAccessible(page, "signed out");
  await photograph(page, "signed-out");
  await context.close();
});

test("a link signs in once", async () => {
  const link = await gateway.signInLink();
  await signIn(desk.page, link);
  const { context, page } = await reader(browser);
  await page.goto(link);
  await page.getByRole("heading", { name: "这条链接已失效" }).waitFor();
  await context.close();
});

test("a visit at the door moves today's figure without a reload", async () => {
  const { page } = desk;
  await page.evaluate(() => (globalThis.loadedOnce = true));
  await expectFigure(page, "0");
  await gateway.publishVisit("main-north", { id: "v-1", entered: 3 });
  await expectFigure(page, "3");
  await gateway.publishVisit("main-north", { id: "v-2", entered: 39, left: 2 });
  await expectFigure(page, "42");
  assert.equal(await page.evaluate(() => globalThis.loadedOnce), true);
  // The table of sites agrees.
  await page.getByRole("row", { name: /主馆/ }).getByText("42", { exact: true }).waitFor();
});

test("the chart's figures stand in a table, and what was not watched is no zero there", async () => {
  const { page } = desk;
  await page.getByRole("img", { name: /今日客流：42 人次/ }).waitFor();
  await page.locator("canvas").waitFor();
  await page.getByRole("button", { name: "查看数据表" }).click();
  const total = page.getByRole("table", { name: "查看数据表" }).getByRole("row").last();
  assert.match(await total.innerText(), /合计\s+42\s+2\s+42\s/);
  await page.getByRole("button", { name: "查看图表" }).click();
});

test("the other language is one press away and stays", async () => {
  const { page } = desk;
  await page.getByRole("button", { name: "Switch to English" }).first().click();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  await page.getByRole("button", { name: "切换到中文" }).first().click();
  await page.getByRole("heading", { level: 1, name: "总览" }).waitFor();
});

test("a device's page says whether it can be trusted", async () => {
  const { page } = desk;
  await page.keyboard.press("g");
  await page.keyboard.press("d");
  await page.getByText("1 台设备，").waitFor();
  await page.getByRole("link", { name: "主馆北门" }).click();
  await page.getByRole("heading", { level: 2, name: "主馆北门" }).waitFor();
  await page.getByText(/^离线，最近联系 今天|^在线，今天/).waitFor();
  await page.getByText("没有代理程序的设备按自报时间估计").waitFor();
});

test("an id used again with other content is an alarm and counts nowhere", async () => {
  const { page } = desk;
  await page.goto(gateway.address);
  await gateway.publishVisit("main-north", { id: "v-1", entered: 7 });
  await page.getByText(/主馆北门：1 条记录的编号相同而内容不同/).waitFor();
  await page.getByText("紧急").first().waitFor();
  await expectFigure(page, "42");
  await page.getByRole("link", { name: /^待核数据/ }).first().click();
  await page.getByText("1 条数据等待核对，均未计入任何数字").waitFor();
});

test("every page is accessible, fits, and is quiet: light, dark, phone, zoomed, English", async () => {
  const places = { overview: "", devices: "devices", device: "devices/main-north", visits: "visits?range=week", quarantine: "quarantine" };
  const looks = {
    light: { colorScheme: "light" },
    dark: { colorScheme: "dark" },
    phone: { viewport: { width: 390, height: 844 }, hasTouch: true },
    zoomed: { viewport: { width: 320, height: 256 } },
  };
  for (const [look, options] of Object.entries(looks)) {
    for (const lang of look === "zoomed" ? ["en"] : ["zh", "en"]) {
      const { context, page, said } = await reader(browser, { ...options, storageState: await desk.context.storageState() });
      await page.addInitScript((one) => localStorage.setItem("lujiang.lang", one), lang);
      for (const [name, path] of Object.entries(places)) {
        await page.goto(gateway.address + path);
        await page.locator("main").getByText(/42|main-north|主馆北门/).first().waitFor();
        await page.waitForFunction(() => !document.querySelector(".skeleton"));
        await assertAccessible(page, `${name} ${look} ${lang}`);
        await assertNoSidewaysScroll(page, `${name} ${look} ${lang}`);
        await photograph(page, `${name}-${look}-${lang}`);
      }
      assert.deepEqual(said, [], `${look} ${lang}`);
      await context.close();
    }
  }
});

test("keys find a device, and a typed key is no shortcut", async () => {
  const { page } = desk;
  await page.goto(gateway.address);
  await page.getByRole("row", { name: /主馆/ }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("gdmain-n");
  assert.equal(new URL(page.url()).pathname, "/");
  for (let letter = 0; letter < 2; letter++) await page.keyboard.press("Home").then(() => page.keyboard.press("Delete"));
  await page.getByRole("option", { name: /主馆北门/ }).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(/devices\/main-north/);
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "快捷键" }).waitFor();
  await page.keyboard.press("Escape");
  await page.goto(gateway.address);
});

test("when the gateway dies the figures stay, dimmed and dated, and it catches up by itself", async () => {
  const { page } = desk;
  await expectFigure(page, "42");
  await gateway.kill();
  await page.getByText(/连接中断，显示截至 \d\d:\d\d 的数据/).waitFor();
  await expectFigure(page, "42");
  await photograph(page, "overview-stale");
  await assertAccessible(page, "stale");
  await gateway.start();
  // A restart signs everybody out: the page says so instead of showing old figures as new.
  await page.getByRole("heading", { name: "请用登录链接打开" }).waitFor({ timeout: 2 * SOON_MS });
  await signIn(page, await gateway.signInLink());
  await expectFigure(page, "42");
});

/** Today's visits of the library, as the page shows them. */
async function expectFigure(page, figure) {
  const panel = page.getByRole("region", { name: "今日", exact: true });
  await panel.locator(".figure").first().locator(".value", { hasText: new RegExp(`^${figure}\\s*人次$`) }).waitFor();
}
