// People: the first password, signing in with it, tokens for programs, and what the audit says.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, assertNoSidewaysScroll, launch, photograph, reader } from "./browser.mjs";
import { Gateway } from "./gateway.mjs";

const PASSWORD = "一江春水向东流 2008";
const LOOKS = {
  light: {},
  dark: { colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true },
};

let gateway;
let browser;

before(async () => {
  [gateway, browser] = await Promise.all([Gateway.start(), launch()]);
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
});

test("the first link sets a password, and says what is wrong with one", async () => {
  const { context, page, said } = await reader(browser);
  await page.goto(await gateway.signInLink());
  await page.getByRole("heading", { name: "设置密码" }).waitFor();
  assert.equal(await page.getByLabel("用户名").inputValue(), "admin");
  await page.getByLabel("用户名").fill("李伟");
  await page.getByLabel("新密码").fill("too short");
  await page.getByLabel("再输入一次").fill("too short");
  await page.getByRole("button", { name: "设置密码并登录" }).click();
  await page.getByRole("alert").getByText("至少 12 个字符").waitFor();
  await page.getByLabel("新密码").fill(PASSWORD);
  await page.getByRole("button", { name: "设置密码并登录" }).click();
  await page.getByRole("alert").getByText("不一样").waitFor();
  await page.getByLabel("再输入一次").fill(PASSWORD);
  await page.getByRole("button", { name: "设置密码并登录" }).click();
  await page.getByRole("heading", { level: 1, name: "总览" }).waitFor();
  assert.equal(new URL(page.url()).search, "");
  assert.deepEqual(said.filter(isNoStranger), []);
  await context.close();
});

test("name and password sign in, a wrong one does not", async () => {
  const { context, page } = await reader(browser);
  await page.goto(`${gateway.address}audit`);
  await page.getByRole("heading", { name: "登录", exact: true }).waitFor();
  await page.getByLabel("用户名").fill("李伟");
  await page.getByLabel("密码").fill("一江春水向西流 2008");
  await page.getByRole("button", { name: "登录", exact: true }).click();
  await page.getByRole("alert").getByText("用户名或密码不对").waitFor();
  await page.getByLabel("密码").fill(PASSWORD);
  await page.keyboard.press("Enter");
  // Where one wanted to go.
  await page.getByRole("heading", { level: 1, name: "操作记录" }).waitFor();
  await photograph(page, "audit-first");
  await page.getByRole("row", { name: /来自 127\.0\.0\.1.*登录失败/ }).waitFor();
  await page.getByRole("row", { name: /李伟.*设置密码并登录/ }).waitFor();
  assert.ok(!(await page.content()).includes("2008"));
  await context.close();
});

test("a token is shown once, works, and is removed by its name", async () => {
  const { context, page, said } = await signedIn();
  await page.goto(`${gateway.address}tokens`);
  await page.getByText("还没有访问令牌").first().waitFor();
  await page.getByLabel("名称", { exact: true }).fill("warehouse");
  await page.locator("input[value=operate]").check();
  await page.getByRole("button", { name: "新建令牌" }).click();
  const token = await page.locator("code").textContent();
  assert.match(token, /^ljt_[\w-]{43}$/);
  await photograph(page, "token-issued");
  const ask = () => fetch(`${gateway.address}api/v1/session`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await (await ask()).json()).right, "operate");
  await page.reload();
  await page.getByRole("row", { name: /warehouse/ }).waitFor();
  assert.ok(!(await page.content()).includes(token));

  await page.getByRole("button", { name: "删除令牌 warehouse" }).click();
  const dialog = page.getByRole("dialog");
  assert.ok(await dialog.getByRole("button", { name: "删除" }).isDisabled());
  await dialog.getByLabel("输入名称 warehouse 以确认").fill("warehouse");
  await assertAccessible(page, "removal");
  await photograph(page, "token-removal");
  await dialog.getByRole("button", { name: "删除" }).click();
  await page.getByText("还没有访问令牌").first().waitFor();
  assert.equal((await ask()).status, 401);
  assert.deepEqual(said, []);
  await context.close();
});

test("the pages of people are accessible, fit, and are quiet", async () => {
  const { context, page } = await signedIn();
  await page.goto(`${gateway.address}tokens`);
  for (const [name, right] of [["warehouse", "read"], ["deploy", "operate"], ["node-red-hehualong", "administer"]]) {
    await page.getByLabel("名称", { exact: true }).fill(name);
    await page.locator(`input[value=${right}]`).check();
    await page.getByRole("button", { name: "新建令牌" }).click();
    await page.getByRole("row", { name: new RegExp(name) }).waitFor();
  }
  const storageState = await context.storageState();
  for (const [look, options] of Object.entries(LOOKS)) {
    await Promise.all(["zh", "en"].map(async (lang) => {
      const within = await reader(browser, { ...options, storageState });
      await inLanguage(within.page, lang);
      for (const [name, path] of [["tokens", "tokens"], ["audit", "audit"], ["audit-tokens", "audit?kind=token"]]) {
        await within.page.goto(gateway.address + path);
        await within.page.getByRole("row", { name: /warehouse|deploy/ }).first().waitFor();
        await judge(within.page, `${name}-${look}-${lang}`);
      }
      assert.deepEqual(within.said, [], `${look} ${lang}`);
      await within.context.close();

      const without = await reader(browser, options);
      await inLanguage(without.page, lang);
      await without.page.goto(gateway.address);
      await without.page.getByLabel(/^(密码|Password)$/).waitFor();
      await judge(without.page, `sign-in-${look}-${lang}`);
      await without.page.goto(await gateway.signInLink());
      await without.page.getByLabel(/^(新密码|New password)$/).waitFor();
      await judge(without.page, `password-${look}-${lang}`);
      await without.context.close();
    }));
  }
  await context.close();
});

test("who signs out is out, also in another window", async () => {
  const { context, page } = await signedIn();
  const other = await context.newPage();
  await other.goto(gateway.address);
  await other.getByRole("heading", { level: 1, name: "总览" }).waitFor();
  await page.getByRole("button", { name: "退出" }).first().click();
  await page.getByRole("heading", { name: "登录", exact: true }).waitFor();
  await other.reload();
  await other.getByRole("heading", { name: "登录", exact: true }).waitFor();
  await context.close();
});

async function signedIn() {
  const { context, page, said } = await reader(browser);
  await page.goto(gateway.address);
  await page.getByLabel("用户名").fill("李伟");
  await page.getByLabel("密码").fill(PASSWORD);
  said.splice(0, said.length, ...said.filter(isNoStranger));
  await page.getByRole("button", { name: "登录", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "总览" }).waitFor();
  return { context, page, said };
}

/** The page asks who is there before it shows the form, and the console tells of that 401. */
function isNoStranger(line) {
  return !line.includes("401");
}

async function inLanguage(page, lang) {
  await page.addInitScript((one) => localStorage.setItem("lujiang.lang", one), lang);
}

async function judge(page, name) {
  await page.waitForFunction(() => !document.querySelector(".skeleton"));
  await assertAccessible(page, name);
  await assertNoSidewaysScroll(page, name);
  await photograph(page, name);
}
