// The bus desk: a village without a network, a scanner, a crew, and a queue of readers.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, assertNoSidewaysScroll, launch, photograph, reader } from "./browser.mjs";
import { Gateway } from "./gateway.mjs";
import { BLOCKED_READER, Bus, OTHER_READER, READER, SCHOOL } from "./bus.mjs";

const TODAY = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai" }).format(new Date());
const PLANS = [
  { stop: "plan-45", date: TODAY, unit: "官庄乡桃花村村委会", occasion: "送书下乡", place: "官庄乡桃花村" },
  { stop: "plan-46", date: "2027-01-06", unit: "实验小学", place: "东岗村图书室" },
];
const CONFLICTS = [
  { fact: "c-1", item: "LL00230417", time: `${TODAY}T01:30:00Z`, kind: "on-loan-to-another" },
];
const LOOKS = {
  laptop: { viewport: { width: 1366, height: 768 } },
  small: { viewport: { width: 1280, height: 800 } },
  dark: { viewport: { width: 1366, height: 768 }, colorScheme: "dark" },
  // 1366 x 768 at 200 % and at 400 %.
  zoomed: { viewport: { width: 683, height: 384 }, deviceScaleFactor: 2 },
  huge: { viewport: { width: 342, height: 640 }, deviceScaleFactor: 4 },
};

let browser;
let bus;

before(async () => {
  [bus, browser] = await Promise.all([Bus.start({ plans: PLANS, conflicts: CONFLICTS }), launch()]);
});

after(async () => {
  await browser?.close();
  await bus?.stop();
});

test("a stop begins from a plan, by keys alone, and the desk is ready for a card", async () => {
  const { context, page, said } = await desk();
  await page.getByRole("button", { name: "填入 官庄乡桃花村" }).press("Enter");
  assert.equal(await page.getByLabel(/地点/).inputValue(), "官庄乡桃花村");
  await page.getByLabel(/携带册数/).fill("一百");
  // Enter goes on to the next field, and from the last to the button.
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await page.getByText("请填 0 到 1000000 的整数").waitFor();
  await judge(page, "bus-open-wrong");
  await page.getByLabel(/携带册数/).fill("３２０");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: /官庄乡桃花村/ }).waitFor();
  await says(page, "请扫读者证");
  assert.ok(await hasFocus(page), "the scan field is ready");
  await page.getByText("未联网，照常借还").waitFor();
  await page.getByText("1 条冲突退回").waitFor();
  assert.deepEqual(said.filter(isNoRefusal), []);
  await context.close();
});

test("a scanner lends, and whatever has the focus its Enter presses no button", async () => {
  const { context, page, said } = await desk();
  await scan(page, READER);
  await says(page, "请扫要借的图书");
  await page.getByText("尾号 123X").waitFor();
  for (const item of ["LL0000001", "LL0000002"]) {
    await page.getByRole("button", { name: "换读者" }).focus();
    await scan(page, item);
    await page.getByRole("listitem").filter({ hasText: item }).waitFor();
  }
  await says(page, /已借出，\d+月\d+日前还/);
  await photograph(page, "bus-lent");
  assert.ok(!(await page.content()).includes(READER), "the card is shown by its end only");
  await page.getByText("本站借出 2 册").waitFor();
  await page.getByText(/^最早 /).waitFor();
  assert.deepEqual(said, []);
  await context.close();
});

test("what is refused is said loudly, with what to do, until the next good scan", async () => {
  const { context, page } = await desk();
  await page.keyboard.press("F1");
  await scan(page, "LJ-READER");
  await says(page, "请扫读者证");
  await scan(page, BLOCKED_READER);
  await says(page, "未接受：该读者证已停用");
  await photograph(page, "bus-blocked");
  await scan(page, "LL0000003");
  await says(page, "未接受：这是图书，不是读者证");
  await scan(page, OTHER_READER);
  await scan(page, READER);
  await says(page, "未借出：这是读者证，不是图书");
  assert.equal(await page.locator("#said").getAttribute("role"), "alert");
  await judge(page, "bus-refused");
  assert.ok(!(await page.content()).includes(READER));
  await scan(page, "LL0000001");
  await says(page, "未借出：这本书已经借出，还没有还");
  await scan(page, "LL0000003");
  await says(page, /已借出/);
  await context.close();
});

test("a code that comes twice at once is one, and is said so", async () => {
  const { context, page } = await desk();
  await scan(page, "LL0000004");
  await scan(page, "LL0000004");
  await page.getByText("同一条码连扫两次，只算一次。").waitFor();
  await page.getByText("本站借出 4 册").waitFor();
  await context.close();
});

test("scans that come faster than the disk are done in order, and none is lost", async () => {
  const { context, page } = await desk();
  await page.route("**/scan", async (route) => {
    await new Promise((done) => setTimeout(done, 150));
    await route.continue();
  });
  await scan(page, "LJ-READER");
  await scan(page, SCHOOL);
  const items = [0, 1, 2, 3, 4, 5].map((n) => `LL000010${n}`);
  for (const item of items) await scan(page, item);
  await page.getByText("本次 6 册").waitFor();
  const shown = await page.locator("#items li .code").allTextContents();
  assert.deepEqual(shown, items.toReversed());
  await context.close();
});

test("items come back without a card, are lent on, and what was wrong is undone", async () => {
  const { context, page } = await desk();
  await page.keyboard.press("F2");
  await says(page, "请扫要还的图书");
  await scan(page, "LL0000100");
  await says(page, "已归还");
  await photograph(page, "bus-returned");
  await page.keyboard.press("F3");
  await scan(page, SCHOOL);
  await scan(page, "LL0000101");
  await says(page, "未续借：今天续借，还期不会更晚");
  await page.keyboard.press("F1");
  await scan(page, "LL0000110");
  await scan(page, "LL0000111");
  await page.keyboard.press("F4");
  await says(page, "已撤销借出");
  await page.getByRole("button", { name: "撤销 LL0000110" }).click();
  await page.getByText("本次 0 册").waitFor();
  assert.ok(await hasFocus(page));
  await photograph(page, "bus-undone");
  await context.close();
});

test("an input method that is on spoils no scan, and is told of", async () => {
  const { context, page } = await desk();
  await scan(page, "LJ-READER");
  await says(page, "请扫读者证");
  // What a browser says of keys that an input method takes: no character, only the key.
  await page.evaluate((text) => {
    const field = document.getElementById("code");
    field.focus();
    const codeOf = (c) => (/[0-9]/.test(c) ? `Digit${c}` : `Key${c.toUpperCase()}`);
    const press = (code, shiftKey = false) =>
      field.dispatchEvent(new KeyboardEvent("keydown", { key: "Process", code, keyCode: 229, shiftKey, bubbles: true, cancelable: true }));
    for (const c of text) press(codeOf(c), /[A-Z]/.test(c));
    field.value = "四三〇";
    press("Enter");
  }, READER);
  await page.getByText("尾号 123X").waitFor();
  await page.getByText("输入法开着").waitFor();
  await judge(page, "bus-input-method");
  assert.equal(await page.locator("#code").inputValue(), "");
  await scan(page, "ＬＬ００００１２０");
  await page.getByRole("listitem").filter({ hasText: "LL0000120" }).waitFor();
  await context.close();
});

test("after a power cut it is the same stop, and what was not answered is said to be unsure", async () => {
  const { context, page } = await desk();
  const before = await page.locator("#items h2 span").textContent();
  await bus.kill();
  await scan(page, "LL0000130");
  await page.getByText("没有得到回应，可能没有写入").waitFor();
  await page.getByText("借还台没有响应，正在重新连接").waitFor();
  await photograph(page, "bus-lost");
  await bus.start();
  await page.getByText("借还台没有响应").waitFor({ state: "hidden" });
  await page.getByRole("heading", { level: 1, name: /官庄乡桃花村/ }).waitFor();
  assert.equal(await page.locator("#items h2 span").textContent(), before);
  await page.getByText("没有得到回应，可能没有写入").waitFor();
  await scan(page, READER);
  await page.getByText("没有得到回应，可能没有写入").waitFor({ state: "hidden" });
  await context.close();
});

test("two windows see the same desk", async () => {
  const { context, page } = await desk();
  const other = await context.newPage();
  await other.goto(bus.address);
  await scan(page, "LJ-RETURN");
  await says(other, "请扫要还的图书");
  await scan(other, "LJ-LEND");
  await says(page, "请扫读者证");
  await context.close();
});

test("a thousand items are lent as one, once what is wrong with the list is mended", async () => {
  const { context, page } = await desk();
  await page.getByRole("link", { name: "整借整还" }).click();
  await page.getByLabel("借书单位的证").fill("");
  await page.keyboard.type(SCHOOL);
  await page.keyboard.press("Enter");
  const good = Array.from({ length: 1_000 }, (_, n) => `BL${String(n).padStart(6, "0")}`);
  const list = [...good.slice(0, 3), "", good[1], "桃花村", READER, "ＢＬ９０００００", ...good.slice(3), "LL0000001"];
  await write(page, list);
  await page.getByRole("button", { name: "核对" }).click();
  await page.getByRole("heading", { name: "有问题的行" }).waitFor();
  const rows = await page.locator("tbody tr").allTextContents();
  assert.deepEqual(rows.map((row) => row.replace(/\s+/g, " ")), [
    "5BL000001这本书在清单里出现两次（先在第 2 行）",
    "6桃花村不认识这个条码",
    "7…123X这是读者证，不是图书",
    "1006LL0000001这本书已经借出，还没有还",
  ]);
  await judge(page, "bus-block-troubles");
  await page.getByRole("button", { name: "不要有问题的行，继续" }).click();
  await page.getByRole("button", { name: "确认借出 1,001 册" }).click();
  await page.getByText("已借出 1,001 册").waitFor();
  await page.getByRole("button", { name: "打印" }).waitFor();
  const block = await page.locator("dd.code").textContent();
  assert.match(block, /^block-/);
  await judge(page, "bus-receipt");
  await page.emulateMedia({ media: "print" });
  await photograph(page, "bus-receipt-print");
  await page.emulateMedia({ media: "screen" });

  // Confirmed twice is done once.
  await page.goBack();
  await page.goto(`${bus.address}blocks?kind=return`);
  await judge(page, "bus-blocks-out");

  // A list that is not quite the block: what is no part of it, and what of it is missing, is said.
  const listed = [...good.slice(0, -3), "BL900000", "LL9999999"];
  await write(page, listed);
  await page.getByRole("button", { name: "核对" }).click();
  await page.getByText("不在任何整借清单中 · 1").waitFor();
  await page.getByText("LL9999999").waitFor();
  await page.getByText(`仍在外： ${block} · 3`).waitFor();
  await judge(page, "bus-return-compared");
  await page.goto(`${bus.address}blocks?kind=return`);
  await page.getByRole("button", { name: `整批归还 ${block}` }).click();
  await page.getByRole("button", { name: "确认归还 1,001 册" }).click();
  await page.getByText("已归还 1,001 册").waitFor();
  await page.goto(`${bus.address}blocks?kind=return`);
  await page.getByText("本机没有未还的整批。").waitFor();
  await context.close();
});

test("a receipt prints, and an item of it that was wrong is undone there", async () => {
  const { context, page, said } = await desk();
  await page.goto(`${bus.address}blocks`);
  await page.getByLabel("借书单位的证").fill(SCHOOL);
  await page.getByLabel("条码清单").fill("BL800001\nBL800002");
  await page.getByRole("button", { name: "核对" }).click();
  await page.getByRole("button", { name: "确认借出 2 册" }).click();
  await page.getByText("已借出 2 册").waitFor();
  await page.evaluate(() => (window.print = () => (document.title = "printed")));
  await page.getByRole("button", { name: "打印" }).click();
  await page.waitForFunction(() => document.title === "printed");
  for (const item of ["BL800001", "BL800002"]) {
    await page.getByLabel("撤销其中一册").fill(item);
    await page.getByRole("button", { name: "撤销", exact: true }).click();
    await page.getByText(`已撤销 ${item}`).waitFor();
    await page.locator("s").getByText(item).waitFor();
  }
  await judge(page, "bus-receipt-undone");
  // That page is the answer to a form: in another language it is the one before.
  await page.getByRole("button", { name: "English" }).click();
  await page.getByRole("heading", { name: "Blocks", exact: true }).waitFor();
  assert.deepEqual(said, []);
  await context.close();
});

test("what the bus carries is lent to its own card, and readers borrow from that", async () => {
  const { context, page } = await desk();
  await page.goto(`${bus.address}blocks?kind=load`);
  await page.getByLabel("条码清单").fill("CL000001\nCL000002\nCL000003");
  await page.getByRole("button", { name: "核对" }).click();
  await page.getByRole("button", { name: "确认借出 3 册" }).click();
  await page.getByText("已借出 3 册").waitFor();
  await page.goto(bus.address);
  await page.keyboard.press("F1");
  await scan(page, OTHER_READER);
  await scan(page, "CL000002");
  await says(page, /已借出/);
  await page.goto(`${bus.address}blocks?kind=unload`);
  await page.getByRole("button", { name: /整批归还 load-/ }).click();
  await page.getByRole("button", { name: "确认归还 2 册" }).click();
  await page.getByText("已归还 2 册").waitFor();
  await context.close();
});

test("it all works without script", async () => {
  const { context, page } = await desk({ javaScriptEnabled: false });
  const submit = async (code) => {
    await page.locator("#code").fill(code);
    await page.keyboard.press("Enter");
  };
  await page.getByRole("button", { name: /归还/ }).click();
  await submit("LL0000002");
  await says(page, "已归还");
  await page.getByRole("button", { name: /^F1/ }).click();
  await submit(READER);
  await submit("LL0000002");
  await says(page, /已借出/);
  await page.getByRole("button", { name: "撤销 LL0000002" }).click();
  await says(page, "已撤销借出");
  await context.close();
});

test("touch: the keyboard of the system comes when it is asked for, and buttons are large", async () => {
  const { context, page } = await desk({ hasTouch: true });
  assert.equal(await page.locator("#code").getAttribute("inputmode"), "none");
  await page.getByRole("button", { name: "屏幕键盘" }).tap();
  assert.equal(await page.locator("#code").getAttribute("inputmode"), "text");
  await page.getByRole("button", { name: /归还/ }).tap();
  await says(page, "请扫要还的图书");
  const small = await page.evaluate(() =>
    [...document.querySelectorAll("button, a.button")].filter((it) => it.offsetHeight && it.offsetHeight < 44).map((it) => it.textContent));
  assert.deepEqual(small, []);
  await context.close();
});

test("every page is accessible, fits and is quiet, in both languages and at every size", async () => {
  for (const [look, options] of Object.entries(LOOKS)) {
    const windows = [];
    // One desk is in all windows, so that is looked at in one after the other.
    for (const lang of look === "dark" ? ["zh"] : ["zh", "en"]) {
      const opened = await desk(options);
      const { page } = opened;
      if (lang === "en") await page.getByRole("button", { name: "English" }).click();
      await scan(page, "LJ-LEND");
      await scan(page, "LJ-READER");
      await scan(page, READER);
      await page.getByText(/尾号 123X|ending 123X/).waitFor();
      await scan(page, OTHER_READER);
      await page.locator("#said.bad").waitFor();
      await judge(page, `bus-${look}-${lang}`);
      windows.push({ ...opened, lang });
    }
    await Promise.all(windows.map(async ({ context, page, said, lang }) => {
      for (const path of ["close", "blocks", "blocks?kind=return", "sync", "commands"]) {
        await page.goto(bus.address + path);
        await page.getByRole("heading", { level: 1 }).waitFor();
        await judge(page, `bus-${path.replace(/\W+/g, "-")}-${look}-${lang}`);
      }
      assert.deepEqual(said, [], `${look} ${lang}`);
      await context.close();
    }));
  }
});

test("the stop ends with those who came, and the bus is ready for the next", async () => {
  const { context, page } = await desk();
  await page.getByRole("link", { name: "结束本站" }).click();
  await page.getByLabel(/参与人数/).fill("八十");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await page.getByText("请填 0 到 1000000 的整数").waitFor();
  await page.getByLabel(/参与人数/).fill("80");
  await page.getByLabel(/携带册数/).fill("310");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await page.getByText("本站已结束").waitFor();
  await judge(page, "bus-closed");
  await context.close();
  for (const [look, options] of Object.entries(LOOKS)) {
    await Promise.all(["zh", "en"].map(async (lang) => {
      const opening = await desk(options);
      if (lang === "en") await opening.page.getByRole("button", { name: "English" }).click();
      await opening.page.getByRole("heading", { name: /^(开站|Open a stop)$/ }).waitFor();
      await judge(opening.page, `bus-open-${look}-${lang}`);
      await opening.context.close();
    }));
  }
});

test("no card is in any file or in the log", () => {
  const kept = bus.files() + bus.said;
  assert.ok(kept.includes("LL0000001"), "it is looked for in the right place");
  for (const card of [READER, OTHER_READER, BLOCKED_READER, SCHOOL]) assert.ok(!kept.includes(card), card);
});

test("a desk without papers takes back and lends nothing, and says why", async () => {
  const poor = await Bus.start({ hasPapers: false });
  const { context, page } = await reader(browser, LOOKS.laptop);
  await page.goto(poor.address);
  await page.getByLabel(/地点/).fill("荷花垅");
  await page.getByRole("button", { name: "开始借还" }).click();
  await says(page, "请扫读者证");
  await scan(page, READER);
  await says(page, "未接受：还没有离线借阅资料");
  await photograph(page, "bus-no-papers");
  await page.keyboard.press("F2");
  await scan(page, "LL0000001");
  await says(page, "已归还");
  await context.close();
  await poor.stop();
});

test("a full store stops lending, in the one red word of the strip", async () => {
  const full = await Bus.start({ outbox: "1MiB" });
  const { context, page } = await reader(browser, LOOKS.laptop);
  await page.goto(full.address);
  await page.getByLabel(/地点/).fill("荷花垅");
  await page.getByRole("button", { name: "开始借还" }).click();
  await says(page, "请扫读者证");
  await page.goto(`${full.address}blocks`);
  await page.getByLabel("借书单位的证").fill(SCHOOL);
  const list = Array.from({ length: 2_000 }, (_, n) => `BL${String(n).padStart(6, "0")}`);
  await write(page, list);
  await page.getByRole("button", { name: "核对" }).click();
  await page.getByRole("button", { name: /确认借出/ }).click();
  await page.getByText("已借出 2,000 册").waitFor();
  await page.goto(full.address);
  await scan(page, READER);
  await scan(page, "LL0000001");
  await says(page, "未借出：存储已满，停止借还");
  await page.locator("#strip .solid").waitFor();
  await judge(page, "bus-full");
  await context.close();
  await full.stop();
});

test("pages beside the desk follow it too, and what is typed there stays", async () => {
  const travelling = await Bus.start();
  const { context, page } = await reader(browser, LOOKS.laptop);
  await page.goto(travelling.address);
  await page.getByLabel(/地点/).fill("荷花垅");
  const pages = [];
  for (const path of ["sync", "blocks"]) {
    const beside = await context.newPage();
    await beside.goto(`${travelling.address}${path}`);
    await beside.locator("#strip").getByText("已全部送达").waitFor();
    pages.push(beside);
  }
  const [sync, blocks] = pages;
  await blocks.getByLabel("借书单位的证").fill(SCHOOL);
  await page.getByRole("button", { name: "开始借还" }).click();
  await says(page, "请扫读者证");
  await scan(page, READER);
  await scan(page, "LL0000001");
  for (const beside of pages) await beside.locator("#strip").getByText("待传 2 条").waitFor();
  await sync.locator("#account").getByText("2 条").waitFor();
  assert.equal(await blocks.getByLabel("借书单位的证").inputValue(), SCHOOL);
  await page.goto(`${travelling.address}close`);
  await page.locator("#close").click();
  await page.getByText("本站已结束").waitFor();
  await page.locator("#strip").getByText("待传 3 条").waitFor();
  await context.close();
  await travelling.stop();
});

test("back in range needs no button: what waited leaves, and the page says so", async () => {
  const gateway = await Gateway.start();
  const uplink = await gateway.addBus("bus-1");
  await gateway.kill();
  const travelling = await Bus.start({ uplink });
  const { context, page } = await reader(browser, LOOKS.laptop);
  await page.goto(travelling.address);
  await page.getByLabel(/地点/).fill("荷花垅");
  await page.getByRole("button", { name: "开始借还" }).click();
  await says(page, "请扫读者证");
  await scan(page, READER);
  for (const item of ["LL0000001", "LL0000002", "LL0000003"]) await scan(page, item);
  await page.getByText("本站借出 3 册").waitFor();
  await page.getByText("未联网，照常借还").waitFor();
  await page.getByText("待传 4 条").waitFor();
  await gateway.start();
  await page.getByText("已联网").waitFor({ timeout: 90_000 });
  await page.getByText("已全部送达").waitFor({ timeout: 90_000 });
  await page.getByText(/^\d\d:\d\d 送达 4 条$/).waitFor();
  await page.getByText("还可借 7 册").waitFor();
  await photograph(page, "bus-in-range");
  await page.getByRole("link", { name: /已全部送达/ }).click();
  await page.getByText("送达 4 条，全部送完").waitFor();
  await judge(page, "bus-delivered");
  await context.close();
  await travelling.stop();
  await gateway.stop();
});

/** The desk's page as the crew has it; the browser's zone is another. */
async function desk(options = {}) {
  const open = await reader(browser, { ...LOOKS.laptop, ...options });
  await open.page.goto(bus.address);
  return open;
}

/** What a scanner does: keys faster than people, and Enter. */
async function scan(page, code) {
  await page.keyboard.type(code);
  await page.keyboard.press("Enter");
}

/** A list as it is pasted; a browser takes seconds to put so much in as if it were typed. */
function write(page, list) {
  return page.getByLabel("条码清单").evaluate((area, text) => (area.value = text), list.join("\n"));
}

async function says(page, text) {
  await page.locator("#said strong").getByText(text).waitFor();
}

function hasFocus(page) {
  return page.evaluate(() => document.activeElement?.id === "code");
}

/** A form that is refused answers 422, and the console tells of that. */
function isNoRefusal(line) {
  return !line.includes("422");
}

async function judge(page, name) {
  await assertAccessible(page, name);
  await assertNoSidewaysScroll(page, name);
  await photograph(page, name);
}
