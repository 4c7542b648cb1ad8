// A release is made from a browser: files are brought into a draft of a real gateway, read and
// checked there, and signed by the command the page shows, typed where the vault is.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, assertNoSidewaysScroll, launch, photograph, reader, signIn, SOON_MS } from "./browser.mjs";
import { Gateway } from "./gateway.mjs";
import { titledEpub } from "./zip.mjs";

const LICENCES = "file,end,copies\nzhuangzi.epub,2099-12-31,2\nlaozi.epub,2099-12-31,\n";
const BOOKS = { "zhuangzi.epub": titledEpub("庄子", "9787101003048"), "laozi.epub": titledEpub("老子", "9787101003055") };
let gateway, browser, token, vault;

before(async () => {
  [gateway, browser] = await Promise.all([Gateway.start("[content]\ndrafts_max = 2\ndraft_files_max = 4\n"), launch()]);
  vault = await gateway.beginContent();
  await gateway.addKiosk("kiosk-1", "main", "主馆借阅机");
  token = await gateway.addToken("page-test", "read");
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
});

test("files are brought, every problem is named by its file, and what is mended is read anew", async () => {
  const { context, page, said } = await opened();
  await page.getByLabel("更新包名称").fill("2026-12");
  await page.getByLabel("更新包名称").press("Enter");
  await page.getByText("2026-12：还没有文件").waitFor();
  const chooser = page.getByLabel(/^选择或拖入/);
  await chooser.setInputFiles([
    ...files(BOOKS),
    { name: "broken.epub", mimeType: "application/epub+zip", buffer: Buffer.from("no book") },
    { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("x") },
  ]);
  await page.getByText("1 个不是书或授权表，没有收：notes.txt").waitFor();
  await page.getByText("还没有授权表").waitFor();
  await page.getByText("2026-12：3 处问题要处理").waitFor();
  const refused = page.getByRole("region", { name: "不收 3 处" });
  await refused.getByText("broken.epub").waitFor();
  await refused.getByText("授权表里没有它的一行").first().waitFor();
  assert.equal(await page.getByText("--draft").count(), 0, "nothing to sign while all is refused");
  await chooser.setInputFiles(files({ "licences.csv": LICENCES }));
  await page.getByText("2026-12：1 处问题要处理").waitFor();
  await page.getByRole("row", { name: /庄子.*新增/ }).getByText("主馆借阅机 2").waitFor();
  await assertAccessible(page, "draft-problems");
  await photograph(page, "draft-problems");
  // A part is signed only by who says so.
  assert.equal(await page.getByText("--draft").count(), 0);
  await page.getByLabel("只发布读懂的部分").check();
  await page.getByText(/--draft [0-9a-f]{16} --take-understood --keys/).waitFor();
  await page.getByRole("button", { name: "列出文件" }).click();
  await page.getByRole("button", { name: "移出 broken.epub" }).press("Enter");
  await page.getByText("2026-12：可以签名发布").waitFor();
  assert.deepEqual(said, []);
  await context.close();
});

test("a draft has bounds, and says which", async () => {
  const { context, page } = await opened();
  await page.getByRole("link", { name: "2026-12" }).click();
  await page.getByText("2026-12：可以签名发布").waitFor();
  const more = Object.fromEntries(["a.epub", "b.epub"].map((name) => [name, "x"]));
  await page.getByLabel(/^选择或拖入/).setInputFiles(files(more));
  const alert = page.getByRole("alert");
  await alert.getByText("at most 4 files (content.draft_files_max)").waitFor();
  await alert.getByRole("button", { name: "不要这些" }).click();
  await page.getByRole("button", { name: "列出文件" }).click();
  await page.getByRole("button", { name: "移出 a.epub" }).click();
  await page.getByText("2026-12：可以签名发布").waitFor();
  await context.close();
});

test("a draft is there after a power cut, whole, and what was brought is not brought again", async () => {
  const [before] = (await ask("/content/drafts")).drafts;
  await gateway.kill();
  await gateway.start();
  const [after] = (await ask("/content/drafts")).drafts;
  assert.deepEqual(after.files, before.files);
  const { context, page } = await opened();
  await page.getByRole("link", { name: "2026-12" }).click();
  await page.getByText("2026-12：可以签名发布").waitFor();
  let puts = 0;
  page.on("request", (request) => (puts += request.method() === "PUT" ? 1 : 0));
  await page.getByLabel(/^选择或拖入/).setInputFiles(files({ ...BOOKS, "licences.csv": LICENCES }));
  await page.getByText("2026-12：可以签名发布").waitFor();
  assert.equal(puts, 0);
  await context.close();
});

test("the command the page shows signs with the vault, and the page sees it published", async () => {
  const { context, page } = await opened();
  await page.getByRole("link", { name: "2026-12" }).click();
  const command = await page.getByText(/^lujiang-gateway content publish --draft/).textContent();
  await photograph(page, "draft-ready");
  await page.getByText("等待签名").waitFor();
  assert.deepEqual(await ask("/content/releases"), []);
  await gateway.type(command.replace("/media/stick/lujiang", vault), "--yes");
  await page.getByText(/^2026-12 已发布，/).waitFor({ timeout: 3 * SOON_MS });
  const [release] = await ask("/content/releases");
  assert.deepEqual([release.name, release.titles], ["2026-12", 2]);
  await page.getByRole("link", { name: "看这个更新包" }).click();
  await page.getByRole("row", { name: /庄子/ }).waitFor();
  await page.goto(`${gateway.address}audit?kind=content`);
  await page.getByRole("row", { name: /发布更新包/ }).first().waitFor();
  await page.getByRole("row", { name: /传来草稿文件/ }).first().waitFor();
  await context.close();
});

test("who may only look brings nothing", async () => {
  const body = { method: "POST", headers: { authorization: `Bearer ${token}`, "content-type": "application/json" }, body: JSON.stringify({ release: "2027-01" }) };
  assert.equal((await fetch(`${gateway.address}api/v1/content/drafts`, body)).status, 403);
});

test("the page is accessible and fits in every look, in both languages", async () => {
  const { context } = await opened();
  const storageState = await context.storageState();
  const [{ id }] = (await ask("/content/drafts")).drafts;
  for (const [look, options] of Object.entries({ light: {}, dark: { colorScheme: "dark" }, phone: { viewport: { width: 390, height: 844 } } })) {
    await Promise.all(["zh", "en"].map(async (lang) => {
      const within = await reader(browser, { ...options, storageState });
      await within.page.addInitScript((one) => localStorage.setItem("lujiang.lang", one), lang);
      for (const [name, path] of [["drafts", "releases/new"], ["draft", `releases/new?draft=${id}`]]) {
        await within.page.goto(gateway.address + path);
        await within.page.getByText(/2026-12/).first().waitFor();
        await within.page.waitForFunction(() => !document.querySelector(".skeleton"));
        await assertAccessible(within.page, `${name}-${look}-${lang}`);
        await assertNoSidewaysScroll(within.page, `${name}-${look}-${lang}`);
        await photograph(within.page, `${name}-${look}-${lang}`);
      }
      assert.deepEqual(within.said, []);
      await within.context.close();
    }));
  }
  await context.close();
});

test("a draft is thrown away after one is told what goes with it, and by nothing less", async () => {
  const { context, page, said } = await opened();
  await page.getByRole("button", { name: "丢弃 2026-12 的草稿" }).press("Enter");
  const dialog = page.getByRole("dialog", { name: "丢弃 2026-12 的草稿" });
  await dialog.getByText(/^3 个文件/).waitFor();
  await assertAccessible(page, "discard");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.equal((await ask("/content/drafts")).drafts.length, 1);
  await page.getByRole("button", { name: "丢弃 2026-12 的草稿" }).click();
  await dialog.getByRole("button", { name: "丢弃，删除 3 个文件" }).click();
  await page.getByText("没有草稿", { exact: true }).waitFor();
  assert.deepEqual((await ask("/content/drafts")).drafts, []);
  // What was published of it stays.
  assert.equal((await ask("/content/releases"))[0].titles, 2);
  assert.deepEqual(said, []);
  await context.close();
});

async function opened() {
  const it = await reader(browser);
  await signIn(it.page, await gateway.signInLink());
  await it.page.goto(`${gateway.address}releases/new`);
  await it.page.getByText("新草稿").waitFor();
  // Whoever is not signed in yet is told so by a 401, and the console tells of that.
  it.said.length = 0;
  return it;
}

function files(named) {
  return Object.entries(named).map(([name, bytes]) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.from(bytes) }));
}

async function ask(path) {
  const answer = await fetch(`${gateway.address}api/v1${path}`, { headers: { authorization: `Bearer ${token}` } });
  assert.ok(answer.ok, `${path}: ${answer.status}`);
  return answer.json();
}
