// Notices of the right-hand screens, written, changed, removed and taken back on the page of a real
// gateway; each is asked of the gateway itself, for what only the page believes is no notice.

import assert from "node:assert/strict";
import { deflateSync } from "node:zlib";
import { after, before, test } from "node:test";
import { assertAccessible, assertNoSidewaysScroll, launch, photograph, reader, signIn } from "./browser.mjs";
import { Gateway } from "./gateway.mjs";
import { crc32 } from "./zip.mjs";

const LOOKS = {
  light: {},
  dark: { colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true },
};
let gateway, browser, token;

before(async () => {
  [gateway, browser] = await Promise.all([Gateway.start(), launch()]);
  await gateway.beginContent();
  token = await gateway.addToken("page-test", "operate");
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
});

test("a notice is written by keyboard, with its picture and times, and the gateway has it", async () => {
  const { context, page, said } = await opened();
  await page.getByText("没有公告", { exact: true }).waitFor();
  await page.getByLabel("标题", { exact: true }).focus();
  await page.keyboard.type("明日闭馆");
  await page.keyboard.press("Tab");
  await page.keyboard.type("全馆停电检修，后天照常开放。");
  await page.getByLabel("图片").setInputFiles({ name: "lamp.png", mimeType: "image/png", buffer: png(640, 360) });
  await page.getByText("640 × 360 像素").waitFor();
  await page.getByLabel("结束").fill("2099-12-31T18:00");
  await page.getByLabel("次序").fill("3");
  const screen = page.getByRole("figure", { name: "右屏预览" });
  await screen.getByText("全馆停电检修").waitFor();
  assert.ok(await screen.locator("img").evaluate((img) => img.complete && img.naturalWidth === 640), "the preview has the picture");
  await assertAccessible(page, "notices");
  await photograph(page, "notices-writing");
  await page.getByLabel("标题", { exact: true }).press("Enter");
  await page.getByText("“明日闭馆”已发布。").waitFor();
  await page.getByText("现在屏幕上有 1 条公告").waitFor();

  const { notices: [notice] } = await ask("/content/notices");
  assert.equal(notice.title, "明日闭馆");
  assert.equal(notice.body, "全馆停电检修，后天照常开放。");
  // 18:00 in Liling, wherever the browser is.
  assert.equal(Date.parse(notice.until), Date.parse("2099-12-31T10:00:00Z"));
  assert.equal(notice.order, 3);
  const picture = await fetch(`${gateway.address}api/v1/content/pictures/${notice.image.blob}`, { headers: { authorization: `Bearer ${token}` } });
  assert.deepEqual(Buffer.from(await picture.arrayBuffer()), png(640, 360));
  assert.deepEqual(said, []);
  await context.close();
});

test("a photograph of a telephone is made as small as the screen, and what is no picture is refused at its field", async () => {
  const { context, page, said } = await opened();
  await page.getByLabel("标题", { exact: true }).fill("读书会");
  await page.getByLabel("图片").setInputFiles({ name: "notes.png", mimeType: "image/png", buffer: Buffer.from("no picture") });
  await page.getByRole("alert").getByText("notes.png 不是能显示的图片").waitFor();
  await page.getByLabel("图片").setInputFiles({ name: "phone.png", mimeType: "image/png", buffer: png(4_000, 3_000) });
  await page.getByText("已缩小到 1,920 × 1,440 像素").waitFor();
  await page.getByRole("button", { name: "发布到各屏幕" }).click();
  await page.getByText("“读书会”已发布。").waitFor();
  const { notices } = await ask("/content/notices");
  assert.equal(notices.find(({ title }) => title === "读书会").image.type, "image/jpeg");
  assert.deepEqual(said, []);
  await context.close();
});

test("what is wrong is told at its field, and nothing is published", async () => {
  const { context, page } = await opened();
  const before = (await ask("/content/notices")).notices.length;
  await page.getByRole("button", { name: "发布到各屏幕" }).click();
  await page.getByRole("alert").getByText("请写标题").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "notice-title");
  await page.getByLabel("标题", { exact: true }).fill("过去的事");
  await page.getByLabel("结束").fill("2020-01-01T00:00");
  await page.getByRole("button", { name: "发布到各屏幕" }).click();
  await page.getByRole("alert").getByText("结束要晚于开始").waitFor();
  await page.getByLabel("结束").fill("");
  // What the page does not judge itself, the gateway does; and it names the place.
  await page.getByLabel("正文").fill("长".repeat(501));
  await page.getByRole("button", { name: "发布到各屏幕" }).click();
  await page.getByRole("alert").getByText("501 characters, expected at most 500").waitFor();
  assert.equal(await page.getByLabel("正文").getAttribute("aria-invalid"), "true");
  assert.equal((await ask("/content/notices")).notices.length, before);
  await context.close();
});

test("a notice is changed in its place, removed, and taken back with its picture", async () => {
  const { context, page, said } = await opened();
  const picture = (await notice("明日闭馆")).image.blob;
  await page.getByRole("button", { name: "修改“明日闭馆”" }).press("Enter");
  await page.getByLabel("正文").fill("后天九点开门。");
  await page.getByRole("button", { name: "保存修改" }).click();
  await page.getByText("“明日闭馆”已更新。").waitFor();
  assert.equal((await notice("明日闭馆")).body, "后天九点开门。");
  assert.equal((await notice("明日闭馆")).image.blob, picture);

  await page.getByRole("button", { name: "移除“明日闭馆”" }).press("Enter");
  await page.getByText("已移除“明日闭馆”。").waitFor();
  assert.equal(await notice("明日闭馆"), undefined);
  await page.keyboard.press("Enter");
  await page.getByText("“明日闭馆”恢复了。").waitFor();
  assert.equal((await notice("明日闭馆")).image.blob, picture);
  assert.deepEqual(said, []);
  await context.close();
});

test("each step is on record, with who did it", async () => {
  const { context, page } = await opened();
  await page.goto(`${gateway.address}audit?kind=content`);
  await page.getByRole("row", { name: /移除公告/ }).first().waitFor();
  await page.getByRole("row", { name: /发布公告/ }).first().waitFor();
  await context.close();
});

test("the page is accessible and fits in every look, in both languages", async () => {
  const { context } = await opened();
  const storageState = await context.storageState();
  for (const [look, options] of Object.entries(LOOKS)) {
    await Promise.all(["zh", "en"].map(async (lang) => {
      const within = await reader(browser, { ...options, storageState });
      await within.page.addInitScript((one) => localStorage.setItem("lujiang.lang", one), lang);
      await within.page.goto(`${gateway.address}notices`);
      await within.page.getByRole("button", { name: /移除“明日闭馆”|Remove “明日闭馆”/ }).waitFor();
      const name = `notices-${look}-${lang}`;
      await assertAccessible(within.page, name);
      await assertNoSidewaysScroll(within.page, name);
      await photograph(within.page, name);
      assert.deepEqual(within.said, [], name);
      await within.context.close();
    }));
  }
  await context.close();
});

async function opened() {
  const it = await reader(browser);
  await signIn(it.page, await gateway.signInLink());
  await it.page.goto(`${gateway.address}notices`);
  await it.page.getByRole("button", { name: "发布到各屏幕" }).waitFor();
  // Whoever is not signed in yet is told so by a 401, and the console tells of that.
  it.said.length = 0;
  return it;
}

async function ask(path) {
  const answer = await fetch(`${gateway.address}api/v1${path}`, { headers: { authorization: `Bearer ${token}` } });
  assert.ok(answer.ok, `${path}: ${answer.status}`);
  return answer.json();
}

async function notice(title) {
  return (await ask("/content/notices")).notices.find((one) => one.title === title);
}

/** A picture of stripes. */
function png(width, height) {
  const row = Buffer.alloc(1 + width * 3);
  for (let x = 0; x < width; x++) row.writeUIntBE(x % 64 < 32 ? 0x2a9d84 : 0xe5eff9, 1 + x * 3, 3);
  const pixels = Buffer.concat(Array.from({ length: height }, () => row));
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2], 8);
  const chunk = (kind, bytes) => {
    const body = Buffer.concat([Buffer.from(kind), bytes]);
    const size = Buffer.alloc(4);
    size.writeUInt32BE(bytes.length);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([size, body, sum]);
  };
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]),
    chunk("IHDR", head), chunk("IDAT", deflateSync(pixels)), chunk("IEND", Buffer.alloc(0)),
  ]);
}
