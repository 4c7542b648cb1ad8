// The kiosk: readers at the shelf, books that mean no good, notices in a loop, an agent that goes
// and comes back.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assertAccessible, assertNoSidewaysScroll, launch, photograph, reader, SOON_MS } from "./browser.mjs";
import { Screens } from "./screens.mjs";
import { epub, hostilePdf } from "./zip.mjs";

const LOOKS = {
  upright: { viewport: { width: 1080, height: 1920 } },
  sideways: { viewport: { width: 1920, height: 1080 } },
};
const ZOOMED = { viewport: { width: 480, height: 270 }, deviceScaleFactor: 4 };

let browser;
before(async () => (browser = await launch()));
after(async () => await browser?.close());

for (const [look, options] of Object.entries(LOOKS)) {
  test(`${look}: a reader turns the shelf, finds a title by its initials, and reads it`, async () => {
    const screens = await Screens.start();
    const { context, page, said } = await reader(browser, { hasTouch: true, ...options });
    await page.goto(screens.pages);
    assert.equal(await page.locator(".covers li").count(), 9);
    await judge(page, `kiosk-shelf-${look}`);
    await assertLargeTargets(page);
    const first = await page.locator(".name").first().textContent();

    await page.getByRole("link", { name: "下一页" }).click();
    await page.getByText("第 2 页，共 3 页").waitFor();
    await swipe(page, 700, 200);
    await page.getByText("第 3 页，共 3 页").waitFor();
    assert.equal(await page.getByRole("link", { name: "下一页" }).getAttribute("aria-disabled"), "true");
    await page.keyboard.press("ArrowLeft");
    await page.getByText("第 2 页，共 3 页").waitFor();

    let typed = "";
    for (const letter of ["Z", "Z", "Q"]) {
      await page.getByRole("link", { name: letter, exact: true }).click();
      typed += letter.toLowerCase();
      await page.waitForURL(`**/?q=${typed}`);
    }
    await page.getByText("没有找到这样的书").waitFor();
    await judge(page, `kiosk-nothing-${look}`);
    await page.getByRole("link", { name: "清除" }).click();
    await page.getByRole("searchbox").fill(first);
    await page.keyboard.press("Enter");
    await page.locator(".covers a").first().click();
    await page.getByRole("heading", { level: 2, name: first }).waitFor();
    const code = await page.getByRole("img", { name: "https://library.example/borrow/1" }).boundingBox();
    assert.ok(code.width >= 280 && code.height >= 280, `the code is ${code.width} px wide`);
    await judge(page, `kiosk-title-${look}`);

    await page.getByRole("button", { name: "阅读" }).click();
    const book = page.frameLocator("#book");
    await book.getByRole("heading", { name: "第 1 章" }).waitFor();
    await judge(page, `kiosk-book-${look}`, { hasBook: true });
    await page.getByRole("link", { name: "字大一点" }).click();
    await book.getByRole("heading", { name: "第 1 章" }).waitFor();
    const before = await painted(page);
    await turnPage(page);
    await eventually(async () => (await painted(page)) !== before);
    await photograph(page, `kiosk-book-turned-${look}`);
    await page.getByRole("link", { name: "下一章" }).click();
    await page.getByText("第 2 章，共 6 章").waitFor();
    await page.getByRole("link", { name: "目录" }).click();
    await judge(page, `kiosk-contents-${look}`);
    await page.getByRole("link", { name: "第 5 章" }).click();
    await page.getByText("第 5 章，共 6 章").waitFor();
    await page.getByRole("button", { name: "合上书" }).click();
    await page.getByText("第 1 页，共 3 页").waitFor();

    const { Total_Item_Investigations: investigations, Total_Item_Requests: requests } = screens.used;
    assert.deepEqual({ investigations, requests }, { investigations: 2, requests: 1 });
    await screens.says((it) => it.painted === "2026-11");
    assert.deepEqual(said, []);
    await context.close();
    await screens.stop();
  });
}

// Small machines are often tablets behind a frame.
for (const [look, viewport] of Object.entries({
  "small-sideways": { width: 1280, height: 800 },
  "small-upright": { width: 800, height: 1280 },
})) {
  test(`${look}: each name has a line of its own, and room to be read`, async () => {
    const screens = await Screens.start();
    const { context, page } = await reader(browser, { hasTouch: true, viewport });
    await page.goto(screens.pages);
    await assertNoSidewaysScroll(page, look);
    const places = await page.locator(".covers li").evaluateAll((items) =>
      items.map((item) => {
        const place = (of) => item.querySelector(of).getBoundingClientRect();
        const [cover, name, author] = [place("img"), place(".name"), place("small")];
        const inside = item.getBoundingClientRect();
        return { cover, name, author, inside };
      }),
    );
    assert.equal(places.length, 9);
    for (const { cover, name, author, inside } of places) {
      assert.ok(cover.height >= 100, `a cover is ${cover.height} px high`);
      assert.ok(name.width >= 140, `a name has ${name.width} px`);
      assert.ok(cover.bottom <= name.top && name.bottom <= author.top, "nothing lies on another");
      assert.ok(author.bottom <= inside.bottom && author.bottom <= viewport.height, "nothing is cut off");
    }
    await judge(page, `kiosk-shelf-${look}`);
    await page.locator(".covers a").first().click();
    await judge(page, `kiosk-title-${look}`);
    await context.close();
    await screens.stop();
  });
}

test("the shelf can be read at four times its size, and in English", async () => {
  const screens = await Screens.start();
  const { context, page } = await reader(browser, ZOOMED);
  await page.goto(screens.pages);
  await page.getByRole("button", { name: "English" }).click();
  await page.getByRole("link", { name: "Next page" }).waitFor();
  await assertNoSidewaysScroll(page, "zoomed");
  await judge(page, "kiosk-zoomed");
  await context.close();
  await screens.stop();
});

test("a shelf left alone asks, counts down, and goes home without who was there", async () => {
  const screens = await Screens.start({ idle: 3, countdown: 40 });
  const { context, page } = await reader(browser, LOOKS.upright);
  await page.goto(`${screens.pages}/?q=a`);
  const question = page.getByRole("dialog");
  await question.waitFor();
  await judge(page, "kiosk-countdown");
  await question.getByRole("button", { name: "继续看" }).click();
  await question.waitFor({ state: "hidden" });
  await question.waitFor();
  await page.waitForURL(`${screens.pages}/`, { timeout: 2 * SOON_MS });
  const cookies = await context.cookies();
  assert.deepEqual(cookies, []);
  await context.close();
  await screens.stop();
});

test("an open book ends with its licence, and says so", async () => {
  const screens = await Screens.start();
  const { context, page } = await reader(browser, LOOKS.upright);
  await page.goto(screens.pages);
  await page.locator(".covers a").first().click();
  await page.getByRole("button", { name: "阅读" }).click();
  await page.locator("#book").waitFor();
  await screens.says((it) => it.readings === 1);
  const { used } = await screens.says((it) => it.used);
  await screens.tell({ lapse: used.title });
  await page.getByRole("heading", { name: "授权已到期" }).waitFor();
  await judge(page, "kiosk-lapsed");
  const shelf = await context.newPage();
  await shelf.goto(screens.pages);
  await shelf.getByText("23 种").waitFor();
  await context.close();
  await screens.stop();
});

test("a book that means no good runs nothing, sends nothing, and leads nowhere", async () => {
  const evil = await Evil.start();
  const folder = mkdtempSync(join(tmpdir(), "lujiang-evil-"));
  const screens = await (async () => {
    const file = join(folder, "evil.epub");
    writeFileSync(file, epub({ "one.xhtml": hostile(evil.address), "two.xhtml": chapter("<p>two</p>") }, {
      "evil.js": `fetch("${evil.address}/file")`,
      "evil.svg": `<svg xmlns="http://www.w3.org/2000/svg"><script>fetch("${evil.address}/svg")</script></svg>`,
      "evil.css": `@import "${evil.address}/css"; body { background: url(${evil.address}/background) }`,
    }));
    writeFileSync(join(folder, "evil.pdf"), hostilePdf(evil.address));
    return Screens.start({ epubs: 1, pdfs: 0, book: [file, "evil"] });
  })();
  const { context, page } = await reader(browser, LOOKS.upright);
  const [others, dialogs] = [[], []];
  context.on("page", (other) => others.push(other.url()));
  page.on("dialog", (dialog) => (dialogs.push(dialog.message()), dialog.dismiss()));
  await open(page, screens, "evil");
  const book = page.frameLocator("#book");
  await book.getByText("the end of the page").waitFor();
  const links = await book.locator("a").count();
  assert.ok(links >= 5, `${links} links`);
  for (let link = 0; link < links; link++) {
    await page.goto(`${screens.pages}/read?document=0`);
    const name = await book.locator("a").nth(link).textContent();
    await book.locator("a").nth(link).click({ noWaitAfter: true });
    await settled(page);
    assert.equal(page.url(), `${screens.pages}/read?document=0`, name);
    const inside = page.frames().slice(1).map((frame) => frame.url());
    for (const url of inside) assert.ok(url.startsWith(screens.books) || url.startsWith("chrome-error:") || url.startsWith("about:"), `${name}: ${url}`);
  }
  await page.goto(`${screens.pages}/read?document=0`);
  await book.getByRole("button", { name: "send" }).click({ noWaitAfter: true });
  await settled(page);
  assert.equal(page.frames()[1].url().startsWith(screens.books), true, "no form is sent");
  assert.deepEqual([others, dialogs, evil.heard], [[], [], []]);
  await context.close();
  await screens.stop();
  await evil.stop();
  rmSync(folder, { recursive: true });
});

test("a PDF shows its pages and does nothing", async () => {
  const evil = await Evil.start();
  const folder = mkdtempSync(join(tmpdir(), "lujiang-evil-"));
  writeFileSync(join(folder, "evil.pdf"), hostilePdf(evil.address));
  const screens = await Screens.start({ epubs: 1, pdfs: 0, book: [join(folder, "evil.pdf"), "evil"] });
  const { context, page } = await reader(browser, LOOKS.upright);
  const dialogs = [];
  page.on("dialog", (dialog) => (dialogs.push(dialog.message()), dialog.dismiss()));
  await open(page, screens, "evil");
  await page.getByText("第 1 页，共 1 页").waitFor();
  await viewer(page);
  await photograph(page, "kiosk-pdf");
  await page.mouse.click(540, 700);
  await settled(page);
  assert.equal(page.url(), `${screens.pages}/read`);
  assert.deepEqual([dialogs, evil.heard], [[], []]);
  await context.close();
  await screens.stop();
  await evil.stop();
  rmSync(folder, { recursive: true });
});

for (const [look, options] of Object.entries(LOOKS)) {
  test(`${look}: notices follow one another, begin and end in time, and outlive the agent`, async () => {
    const screens = await Screens.start({ notice: 1 });
    const { context, page, said } = await reader(browser, options);
    await page.goto(`${screens.pages}/announcements`);
    await page.getByRole("heading", { name: "荷花垅图书室" }).waitFor();
    await judge(page, `kiosk-room-${look}`);
    const past = "2026-01-01T00:00:00Z";
    const closed = { id: "closed", title: "明天闭馆一天", body: "11月5日设备检修，全天闭馆。\n还书请投还书箱。", from: past };
    const shown = () => page.locator("#notices .shown h1").textContent();
    await screens.tell({ notices: [closed] });
    await eventually(async () => (await shown()) === "明天闭馆一天");
    await settled(page);
    await judge(page, `kiosk-notice-${look}`);
    // To judge takes long; what ends soon begins after it.
    const soon = new Date(Date.now() + 24_000).toISOString();
    await screens.tell({ notices: [
      closed,
      { id: "short", title: "今晚有讲座", body: "19:00，阅览室。", from: past, until: soon },
      { id: "later", title: "不到时候", from: "2999-01-01T00:00:00Z" },
    ] });
    await eventually(async () => (await shown()) === "今晚有讲座");
    await screens.says((it) => it.screens?.some(({ shows }) => shows === "notice:short"));
    await eventually(async () => (await page.locator("[data-notice='short']").count()) === 0);
    assert.equal(await shown(), "明天闭馆一天");

    await screens.kill();
    await settled(page);
    assert.equal(await shown(), "明天闭馆一天", "what was shown goes on being shown");
    await screens.start();
    await screens.tell({ notices: [{ id: "new", title: "新书到了", from: past }] });
    await eventually(async () => (await shown()) === "新书到了");
    assert.deepEqual(said.filter((text) => !/ERR_(CONNECTION|INCOMPLETE|EMPTY)/.test(text)), []);
    await context.close();
    await screens.stop();
  });
}

test("an outbox that takes nothing closes no book", async () => {
  const screens = await Screens.start();
  await screens.tell({ refuse: true });
  const { context, page } = await reader(browser, LOOKS.upright);
  await page.goto(screens.pages);
  await page.locator(".covers a").first().click();
  await page.getByRole("button", { name: "阅读" }).click();
  await page.frameLocator("#book").getByRole("heading", { name: "第 1 章" }).waitFor();
  assert.match(screens.log, /a use of the shelf is not kept/);
  await context.close();
  await screens.stop();
});

/** Somebody outside who must hear nothing, not even a connection. */
class Evil {
  heard = [];
  #server;
  address;

  static async start() {
    const evil = new Evil();
    evil.#server = createServer((socket) => {
      evil.heard.push("a connection");
      socket.on("data", (bytes) => evil.heard.push(String(bytes).split("\r\n")[0]));
      socket.on("error", () => {});
    });
    await new Promise((done) => evil.#server.listen(0, "127.0.0.1", done));
    evil.address = `http://127.0.0.1:${evil.#server.address().port}`;
    return evil;
  }

  async stop() {
    await new Promise((done) => this.#server.close(done));
  }
}

function chapter(body, head = "") {
  return `<html xmlns="http://www.w3.org/1999/xhtml"><head><title>t</title>${head}</head><body>${body}</body></html>`;
}

function hostile(evil) {
  return chapter(`
    <script>alert("ran"); fetch("${evil}/inline"); top.location = "${evil}/top";</script>
    <img src="${evil}/picture" onerror="fetch('${evil}/onerror')" alt="x"/><img src="evil.svg" alt="y"/>
    <svg xmlns="http://www.w3.org/2000/svg" onload="fetch('${evil}/onload')"><script>alert("svg")</script></svg>
    <iframe src="${evil}/frame"></iframe><object data="${evil}/object"></object><video src="${evil}/film" autoplay="autoplay"></video>
    <p><a href="file:///etc/passwd">file</a> <a href="${evil}/link">link</a> <a href="${evil}/link" target="_top">top</a>
    <a href="${evil}/link" target="_blank">blank</a> <a href="javascript:alert('ran')">script</a>
    <a href="/" target="_parent">parent</a> <a href="${evil}/ping" ping="${evil}/ping" download="x">ping</a></p>
    <form action="${evil}/form" method="post" target="_top"><button>send</button></form>
    <p style="background: url(${evil}/style)">the end of the page</p>`,
  `<meta http-equiv="refresh" content="1;url=${evil}/refresh"/><base href="${evil}/"/><link rel="preconnect" href="${evil}/"/>
   <link rel="dns-prefetch" href="//evil.example/"/><link rel="prefetch" href="${evil}/prefetch"/>
   <link rel="stylesheet" href="${evil}/sheet"/><link rel="stylesheet" href="evil.css"/><script src="evil.js"></script>`);
}

async function open(page, screens, title) {
  await page.goto(`${screens.pages}/?q=${title}`);
  await page.locator(".covers a").first().click();
  await page.getByRole("button", { name: "阅读" }).click();
  await page.waitForURL(`${screens.pages}/read`);
}

/** The browser's viewer has the file. */
async function viewer(page) {
  await eventually(async () => page.frames().some((frame) => frame.url().startsWith("chrome-extension:")));
  await settled(page);
}

/** Turns a page by the key that stands within the frame, where no script tells us about it. */
async function turnPage(page) {
  const frame = await page.locator("#book").boundingBox();
  await page.mouse.click(frame.x + frame.width * 0.75, frame.y + frame.height - 56);
  await settled(page);
}

async function painted(page) {
  return (await page.locator("#book").screenshot()).toString("base64");
}

/** What would happen at once has had its time: two paints, and whatever was under way. */
async function settled(page) {
  await page.waitForTimeout(700);
}

async function swipe(page, from, to) {
  const session = await page.context().newCDPSession(page);
  const touch = (type, x) => session.send("Input.dispatchTouchEvent", { type, touchPoints: type === "touchEnd" ? [] : [{ x, y: 500 }] });
  await touch("touchStart", from);
  await touch("touchMove", (from + to) / 2);
  await touch("touchMove", to);
  await touch("touchEnd", to);
}

async function eventually(holds) {
  const deadline = Date.now() + SOON_MS;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, String(holds));
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** Whatever is touched is large enough for a finger. */
async function assertLargeTargets(page) {
  const small = await page.locator("a[href], button, input:not([type=hidden])").evaluateAll((all) =>
    all.filter((it) => it.checkVisibility()).map((it) => [it.textContent, it.getBoundingClientRect()])
      .filter(([, { width, height }]) => width < 72 || height < 72).map(([text, { width, height }]) => `${text}: ${width}x${height}`));
  assert.deepEqual(small, []);
}

async function judge(page, name, options) {
  await assertAccessible(page, name, options);
  await photograph(page, name);
}
