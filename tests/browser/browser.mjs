// Debian's Chromium, pages in it, and what every page must be: quiet, accessible, photographed.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import axe from "@axe-core/playwright";
import { chromium } from "playwright-core";

const AxeBuilder = axe.default ?? axe;
const SHOTS = resolve(import.meta.dirname, "../../test-output/screenshots");
const ARGUMENTS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
/** For a change to reach the page. */
export const SOON_MS = 60_000;

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGUMENTS });
}

/** A browser of one reader; `said` collects what its console complains of. */
export async function reader(browser, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 980 },
    reducedMotion: "reduce",
    locale: "zh-CN",
    // Not the library's zone: days must be cut there all the same.
    timezoneId: "America/New_York",
    ...options,
  });
  context.setDefaultTimeout(SOON_MS);
  const page = await context.newPage();
  const said = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) said.push(message.text());
  });
  page.on("pageerror", (error) => said.push(String(error)));
  return { context, page, said };
}

/** Opens a sign-in link and enters without setting a password. */
export async function signIn(page, link) {
  await page.goto(link);
  await page.getByRole("button", { name: /直接登录|without a password/ }).click();
  await page.getByRole("heading", { level: 1, name: /总览|Overview/ }).waitFor();
}

export async function photograph(page, name) {
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
}

/** A frame where no script runs (a book) cannot be looked into: `hasBook` leaves frames out. */
export async function assertAccessible(page, name, { hasBook = false } = {}) {
  const builder = new AxeBuilder({ page });
  if (hasBook) builder.setLegacyMode(true).options({ iframes: false });
  const { violations } = await builder.analyze();
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  assert.deepEqual(told, [], name);
}

export async function assertNoSidewaysScroll(page, name) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(over <= 0, `${name} is ${over} px too wide`);
}
