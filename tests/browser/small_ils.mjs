// The small library system behind a gateway, as a process of its own.

import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { begin } from "./child.mjs";

const ROOT = resolve(import.meta.dirname, "../..");
const BINARY = process.env.LUJIANG_ILS_BIN ?? join(ROOT, "target/debug/small-ils");

export class SmallIls {
  #child;
  #lines;
  host;
  port;

  /** With these items, readers, blocked readers, and loans as `ITEM=READER`. */
  static async start({ items = [], readers = [], blocked = [], lent = [] }) {
    const ils = new SmallIls();
    const each = (name, values) => values.flatMap((value) => [`--${name}`, value]);
    const options = [...each("item", items), ...each("reader", readers), ...each("blocked", blocked), ...each("lent", lent)];
    ils.#child = begin(BINARY, options, { stdio: ["pipe", "pipe", "inherit"] });
    ils.#lines = createInterface({ input: ils.#child.stdout })[Symbol.asyncIterator]();
    [ils.host, ils.port] = (await ils.#next()).split(":");
    return ils;
  }

  /** Who has which item. */
  async lent() {
    this.#child.stdin.write("\n");
    return JSON.parse(await this.#next());
  }

  async stop() {
    const ended = new Promise((done) => this.#child.once("exit", done));
    this.#child.stdin.end();
    await ended;
  }

  async #next() {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("the library system ended");
    return value;
  }
}
