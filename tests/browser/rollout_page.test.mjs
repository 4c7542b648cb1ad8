// The page of rollouts over a pretended gateway: who blocks is told, pause is in sight, an abort
// says how many it concerns, in both languages and on a phone.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { begin } from "./child.mjs";
import { assertAccessible, launch, photograph, reader } from "./browser.mjs";

const PAGE = resolve(import.meta.dirname, "../../gateway/dashboard");
const DIST = mkdtempSync(join(tmpdir(), "lujiang-page-"));
let browser, gateway, address;

before(async () => {
  const build = ["vite", "build", "--outDir", DIST, "--emptyOutDir", "--logLevel", "error"];
  execFileSync("npx", build, { cwd: PAGE, stdio: "inherit" });
  gateway = begin(process.execPath, [resolve(import.meta.dirname, "pretend.mjs"), DIST, "0", "troubled"]);
  const [said] = await once(gateway.stdout, "data");
  address = String(said).trim();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  gateway?.kill();
  rmSync(DIST, { recursive: true, force: true });
});

test("the page tells who has the release and who blocks, and holds it by one press", async () => {
  const { context, page, said } = await reader(browser);
  await page.goto(`${address}rollouts`);
  await page.getByText("2026-11：进行中，13 台中 2 台已上架").first().waitFor();
  await page.getByText("预计离线，不计入：1 台").waitFor();
  const table = page.getByRole("table", { name: "设备" });
  const first = table.getByRole("row").nth(1);
  assert.match(await first.innerText(), /失败[\s\S]*no-space/, "who failed stands first");
  await table.getByText(/预计明天傍晚完成/).waitFor();
  await assertAccessible(page, "rollout");
  await photograph(page, "rollout");
  await page.getByRole("button", { name: "暂停" }).press("Enter");
  await page.getByText("2026-11：已暂停").first().waitFor();
  await page.getByRole("button", { name: "继续" }).press("Enter");
  await page.getByText("2026-11：进行中").first().waitFor();
  assert.deepEqual(said, []);
  await context.close();
});

test("an abort says how many it concerns, and is not done by a closed dialog", async () => {
  const { context, page, said } = await reader(browser);
  await page.goto(`${address}rollouts`);
  await page.getByRole("button", { name: "中止", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "中止 2026-11 的推送" });
  await dialog.getByText(/^10 台设备不再取这一期/).waitFor();
  await assertAccessible(page, "abort");
  await page.keyboard.press("Escape");
  await page.getByText("2026-11：进行中").first().waitFor();
  await page.getByRole("button", { name: "中止", exact: true }).click();
  await dialog.getByRole("button", { name: "中止，10 台不再更新" }).click();
  await page.getByText("2026-11：已中止").first().waitFor();
  assert.deepEqual(said, []);
  await context.close();
});

test("on a phone nothing is cut off, and in English nothing is Chinese", async () => {
  const { context, page, said } = await reader(browser, { viewport: { width: 390, height: 844 } });
  await page.goto(`${address}rollouts`);
  await page.getByRole("table", { name: "设备" }).waitFor();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, `${wide} px`);
  await photograph(page, "rollout-phone");
  await page.evaluate(() => localStorage.setItem("lujiang.lang", "en"));
  await page.reload();
  await page.getByRole("table", { name: "Devices" }).getByText(/done tomorrow, evening/).waitFor();
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390);
  await photograph(page, "rollout-phone-en");
  assert.deepEqual(said, []);
  await context.close();
});
