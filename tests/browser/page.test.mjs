// The page of a real gateway, from the sign-in link to the moment the gateway dies.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  assertAccessible, assertNoSidewaysScroll, launch, photograph, reader, signIn, SOON_MS,
} from "./browser.mjs";
import { Gateway, atNoon } from "./gateway.mjs";

let gateway;
let browser;
/** Signed in once; the tests go on from one another as a reader does. */
let desk;

before(async () => {
  [gateway, browser] = await Promise.all([Gateway.start(atNoon()), launch()]);
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

test("an element is looked at, corrected and counts, and the list says who decided", async () => {
  const { page } = desk;
  await gateway.publishVisit("main-north", { id: "crowd", entered: 900_000 });
  await page.goto(`${gateway.address}quarantine`);
  await page.getByText("2 条数据等待核对，均未计入任何数字").waitFor();
  const row = page.getByRole("row", { name: /数值不合理/ });
  assert.match(await row.innerText(), /应为：每分钟至多 \d+ 人/);
  await row.getByRole("button", { name: /处理…/ }).click();
  const dialog = page.getByRole("dialog", { name: /^待核数据 \d+$/ });
  await dialog.getByRole("button", { name: "显示原文" }).click();
  await dialog.getByLabel("原文").getByText("900000").waitFor();
  await dialog.getByRole("radio", { name: /^更正后计入/ }).check();
  const event = dialog.getByLabel("更正后的事件（JSON）");
  await event.fill((await event.inputValue()).replace("900000", "9"));
  await dialog.getByLabel("理由").fill("多了五个零");
  await assertAccessible(page, "ruling");
  await photograph(page, "ruling-light-zh");
  await dialog.getByRole("button", { name: "更正后计入，不可撤回" }).click();
  await dialog.getByText("已更正计入").waitFor();
  await dialog.getByText(/多了五个零/).waitFor();
  await dialog.getByRole("button", { name: "关闭" }).click();
  await page.getByText("1 条数据等待核对，均未计入任何数字").waitFor();
  await page.getByRole("combobox", { name: "处理" }).selectOption("corrected");
  await page.getByText("符合条件的有 1 条").waitFor();
  const address = await page.getByRole("link", { name: "导出 CSV" }).getAttribute("href");
  const csv = await page.evaluate(async (path) => (await fetch(path)).text(), address);
  assert.match(csv, /corrected/);
  await page.goto(gateway.address);
  await expectFigure(page, "51");
});

test("what cannot count is refused with its reason, and what is dismissed is no alarm any more", async () => {
  const { page } = desk;
  await page.getByText(/主馆北门：1 条记录的编号相同而内容不同/).waitFor();
  await page.goto(`${gateway.address}quarantine`);
  await page.getByRole("button", { name: /处理…/ }).click();
  const dialog = page.getByRole("dialog", { name: /^待核数据 \d+$/ });
  await dialog.getByRole("radio", { name: /^照原样计入/ }).check();
  await dialog.getByLabel("理由").fill("试试");
  await dialog.getByRole("button", { name: "照原样计入，不可撤回" }).click();
  await dialog.getByRole("alert").getByText(/does not count yet/).waitFor();
  await dialog.getByRole("radio", { name: /^不计入/ }).check();
  await dialog.getByRole("button", { name: "不计入，不可撤回" }).click();
  await dialog.getByText(/：试试$/).waitFor();
  await dialog.getByRole("button", { name: "关闭" }).click();
  await page.getByText("没有待核数据").first().waitFor();
  await page.goto(gateway.address);
  await expectFigure(page, "51");
  assert.equal(await page.getByText(/编号相同而内容不同/).count(), 0);
  // For the pictures that follow: something to decide on.
  await gateway.publishVisit("main-north", { id: "v-1", entered: 7_000 });
});

test("after a break the page says how much it caught up", async () => {
  const { page } = desk;
  await page.goto(gateway.address);
  await page.getByText("实时", { exact: true }).waitFor();
  // Silence, and no new stream either: the way of a link that is gone without a word.
  const live = (url) => url.pathname === "/api/v1/live";
  await page.route(live, (route) => route.abort());
  gateway.hold();
  await page.getByText(/连接中断，显示截至/).waitFor({ timeout: 3 * SOON_MS });
  gateway.release();
  await gateway.publishVisit("main-north", { id: "meanwhile", entered: 4 });
  await page.unroute(live);
  await page.getByText(/^已补上 \d+ 处变化$/).waitFor({ timeout: 2 * SOON_MS });
  await photograph(page, "caught-up");
  await expectFigure(page, "55");
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
    await Promise.all((look === "zoomed" ? ["en"] : ["zh", "en"]).map(async (lang) => {
      const { context, page, said } = await reader(browser, { ...options, storageState: await desk.context.storageState() });
      await page.addInitScript((one) => localStorage.setItem("lujiang.lang", one), lang);
      for (const [name, path] of Object.entries(places)) {
        await page.goto(gateway.address + path);
        await page.locator("main").getByText(/55|main-north|主馆北门/).locator("visible=true").first().waitFor();
        await page.waitForFunction(() => !document.querySelector(".skeleton"));
        await assertAccessible(page, `${name} ${look} ${lang}`);
        await assertNoSidewaysScroll(page, `${name} ${look} ${lang}`);
        await photograph(page, `${name}-${look}-${lang}`);
      }
      assert.deepEqual(said, [], `${look} ${lang}`);
      await context.close();
    }));
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
  await expectFigure(page, "55");
  await gateway.kill();
  await page.getByText(/连接中断，显示截至 \d\d:\d\d 的数据/).waitFor();
  await expectFigure(page, "55");
  await photograph(page, "overview-stale");
  await assertAccessible(page, "stale");
  await gateway.start();
  // A restart signs everybody out: the page says so instead of showing old figures as new.
  await page.getByRole("heading", { name: "请用登录链接打开" }).waitFor({ timeout: 2 * SOON_MS });
  await signIn(page, await gateway.signInLink());
  await expectFigure(page, "55");
});

/** Today's visits of the library, as the page shows them. */
async function expectFigure(page, figure) {
  const panel = page.getByRole("region", { name: "今日", exact: true });
  await panel.locator(".figure").first().locator(".value", { hasText: new RegExp(`^${figure}\\s*人次$`) }).waitFor();
}
