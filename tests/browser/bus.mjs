// A real agent of the book bus, with papers of its own and no network at all, killed and started
// again like a computer in a bus.

import { createHmac, generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { begin } from "./child.mjs";

const ROOT = resolve(import.meta.dirname, "../..");
const BINARY = process.env.LUJIANG_AGENT_BIN ?? join(ROOT, "target/debug/lujiang-agent");
const READY_WITHIN_MS = 120_000;

/** A reader, in clear as only a card and a screen of a test may hold it. */
export const READER = "43022319900101123X";
export const OTHER_READER = "430223198505054321";
export const BLOCKED_READER = "430223197001019876";
export const SCHOOL = "430223200001010018";
const BUS_CARD = "430223200001019991";

export class Bus {
  #folder = mkdtempSync(join(tmpdir(), "lujiang-bus-"));
  #options;
  #child;
  #said = "";
  address;

  /** `plans` are planned stops, `conflicts` what came back; `outbox` is the size it may have. */
  static async start(options = {}) {
    const bus = new Bus();
    bus.#options = { plans: [], conflicts: [], blocked: [BLOCKED_READER], outbox: "256MiB", scanner: "", hasPapers: true, ...options };
    mkdirSync(bus.#data, { mode: 0o700 });
    const password = bus.#options.uplink?.password ?? "nobody asks for it";
    writeFileSync(join(bus.#folder, "password"), password, { mode: 0o600 });
    if (bus.#options.hasPapers) bus.#writePapers();
    await bus.start();
    return bus;
  }

  /** Starts it, or starts it again where it was. */
  async start() {
    const listen = this.address ? new URL(this.address).host : "127.0.0.1:0";
    const { outbox, scanner } = this.#options;
    writeFileSync(this.#config, `[agent]
device = "bus-1"
data = "data"
[uplink]
port = ${this.#options.uplink?.port ?? 1}
backoff_max = "1s"
credential = "password"
password_file = "password"
[outbox]
size_max = "${outbox}"
[lending]
own_card = "${BUS_CARD}"
[bus_desk]
listen = "${listen}"
reader_idle = "${this.#options.idle ?? "60s"}"
${scanner ? `[bus_desk.scanner]\nport = "${scanner}"\n` : ""}`);
    rmSync(this.#state, { force: true });
    this.#child = begin(BINARY, ["run", "--config", this.#config]);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.on("data", (text) => (this.#said += text));
    }
    const gone = new Promise((_, fail) => {
      this.#child.once("error", fail);
      this.#child.once("exit", (code) => fail(new Error(`the agent ended with ${code}:\n${this.#said}`)));
    });
    gone.catch(() => {});
    await Promise.race([gone, this.#ready()]);
  }

  /** What it wrote to its log. */
  get said() {
    return this.#said;
  }

  /** Kills it as a power cut would. */
  async kill() {
    await this.#end("SIGKILL");
  }

  async stop() {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.#end("SIGTERM");
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Every byte it keeps, to look for what must not be there. */
  files() {
    return ["outbox.db", "outbox.db-wal", "state.json"].map((name) => {
      try {
        return readFileSync(join(this.#data, name), "latin1");
      } catch {
        return "";
      }
    }).join("");
  }

  get #data() {
    return join(this.#folder, "data");
  }

  get #config() {
    return join(this.#folder, "agent.toml");
  }

  get #state() {
    return join(this.#data, "state.json");
  }

  async #end(signal) {
    const ended = new Promise((done) => this.#child.once("exit", done));
    this.#child.kill(signal);
    await ended;
  }

  async #ready() {
    const deadline = Date.now() + READY_WITHIN_MS;
    for (;;) {
      try {
        const address = `http://${JSON.parse(readFileSync(this.#state, "utf8")).bus_desk}/`;
        if ((await fetch(address)).ok) {
          this.address = address;
          return;
        }
      } catch (error) {
        if (Date.now() > deadline) throw new Error(`not ready: ${error}\n${this.#said}`);
      }
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  #writePapers() {
    const { plans, conflicts, blocked } = this.#options;
    const { publicKey } = generateKeyPairSync("x25519");
    const key = randomBytes(32);
    const mark = (reader) =>
      createHmac("sha256", key).update("lujiang blocked reader v1\0").update(reader).digest().subarray(0, 16).toString("base64url");
    const papers = JSON.stringify({
      revision: "r-1",
      desk: { kid: "desk-1", public: publicKey.export({ format: "jwk" }).x },
      blocks: { key: key.toString("base64url"), readers: blocked.map(mark) },
      stops: plans,
      conflicts,
    });
    const file = `{"form":1,"crc":${crc32c(Buffer.from(papers))},"papers":${papers}}`;
    writeFileSync(join(this.#data, "loan-papers.json"), file, { mode: 0o600 });
  }
}

function crc32c(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
