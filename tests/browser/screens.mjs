// Real screens over a shelf filled by hand: `tests/examples/screens.rs`, started and told what
// changes.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { begin } from "./child.mjs";

const ROOT = resolve(import.meta.dirname, "../..");
const BINARY = process.env.LUJIANG_SCREENS_BIN ?? join(ROOT, "target/debug/examples/screens");
const WITHIN_MS = 120_000;

export class Screens {
  #folder = mkdtempSync(join(tmpdir(), "lujiang-screens-"));
  #arguments;
  #child;
  #said = [];
  #log = "";
  #waiting = [];
  pages;
  books;

  /** `options` are those of the example: `{ idle: 3, book: [file, title] }`. */
  static async start(options = {}) {
    const screens = new Screens();
    screens.#arguments = Object.entries(options).flatMap(([name, value]) => [`--${name}`, ...[value].flat().map(String)]);
    await screens.start();
    return screens;
  }

  /** Starts it, or starts it again where it was. */
  async start() {
    const again = this.pages ? ["--listen", new URL(this.pages).host, new URL(this.books).host] : [];
    this.#child = begin(BINARY, [join(this.#folder, "books"), ...this.#arguments, ...again]);
    this.#child.stderr.on("data", (text) => (this.#log += text));
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      this.#said.push(JSON.parse(line));
      for (const wake of this.#waiting.splice(0)) wake();
    });
    const { pages, books } = await this.says(({ pages }) => pages);
    this.pages = `http://${pages}`;
    this.books = `http://${books}`;
  }

  /** Tells it what changes. */
  async tell(command) {
    const before = this.#said.length;
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
    await this.says((said, at) => said === "done" && at >= before);
  }

  /** Waits until it says something of the kind, from `since` on. */
  async says(is) {
    const deadline = Date.now() + WITHIN_MS;
    for (;;) {
      const found = this.#said.find((said, at) => is(said, at));
      if (found !== undefined) return found;
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`not said:\n${JSON.stringify(this.#said.slice(-5))}\n${this.#log}`);
      await new Promise((done) => {
        this.#waiting.push(done);
        setTimeout(done, left);
      });
    }
  }

  /** All it said, so far. */
  get said() {
    return this.#said;
  }

  get log() {
    return this.#log;
  }

  /** The uses that were counted, by metric. */
  get used() {
    const used = {};
    for (const said of this.#said) if (said.used) used[said.used.metric] = (used[said.used.metric] ?? 0) + 1;
    return used;
  }

  async kill() {
    const ended = new Promise((done) => this.#child.once("exit", done));
    this.#child.kill("SIGKILL");
    await ended;
    this.#said = [];
  }

  async stop() {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
