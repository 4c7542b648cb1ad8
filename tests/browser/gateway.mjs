// A real gateway on free ports with a data folder of its own, and a device that speaks to it by
// an ordinary MQTT client.

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { begin } from "./child.mjs";

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, "../..");
const BINARY = process.env.LUJIANG_GATEWAY_BIN ?? join(ROOT, "target/debug/lujiang-gateway");
const READY_WITHIN_MS = 120_000;

/** A library where it is about noon, so that no test's day ends in the middle of it. */
export function atNoon() {
  const ahead = 12 - new Date().getUTCHours();
  // POSIX counts hours to the west.
  return `[library]\ntime_zone = "Etc/GMT${ahead >= 0 ? "-" : "+"}${Math.abs(ahead)}"\n`;
}

export class Gateway {
  #folder = mkdtempSync(join(tmpdir(), "lujiang-browser-"));
  #child;
  #said = "";
  #listen = { mqtt: "127.0.0.1:0", http: "127.0.0.1:0" };
  #passwords = new Map();
  #more = "";

  /** One whose configuration has these sections too. */
  static async start(more = "") {
    const gateway = new Gateway();
    gateway.#more = more;
    await gateway.start();
    return gateway;
  }

  /** Starts it, or starts it again where it was. */
  async start() {
    const { mqtt, http } = this.#listen;
    writeFileSync(this.#config, `[mqtt]\nlisten = "${mqtt}"\n[http]\nlisten = "${http}"\n[tls]\nmqtt_listen = "127.0.0.1:0"\nhttp_listen = "127.0.0.1:0"\n${this.#more}`);
    this.#child = begin(BINARY, ["run", "--config", this.#config, "--data", this.#data]);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.on("data", (text) => (this.#said += text));
    }
    const gone = new Promise((_, fail) => {
      this.#child.once("error", fail);
      this.#child.once("exit", (code) => fail(new Error(`the gateway ended with ${code}:\n${this.#said}`)));
    });
    gone.catch(() => {});
    await Promise.race([gone, this.#ready()]);
  }

  get address() {
    return `http://${this.#listen.http}/`;
  }

  /** A new one-time sign-in link. */
  async signInLink() {
    return (await this.#command("sign-in")).match(/http:\S+/)[0];
  }

  async addGate(id, site, name, kind = "gate") {
    const printed = await this.#command("device", "add", id, "--kind", kind, "--site", site, "--name", name, "--json");
    this.#passwords.set(id, JSON.parse(printed).password);
  }

  /** A book bus; where its agent calls, and its password there. */
  async addBus(id) {
    const printed = await this.#command("device", "add", id, "--kind", "bus", "--site", "main", "--name", id, "--json");
    const [host, port] = this.#listen.mqtt.split(":");
    return { host, port, password: JSON.parse(printed).password };
  }

  /** A kiosk of the registry: nobody speaks for it until somebody does. */
  async addKiosk(id, site, name) {
    await this.addGate(id, site, name, "kiosk");
  }

  /** A token for the API, for a test that asks the gateway itself what the page did. */
  async addToken(name, scope) {
    return JSON.parse(await this.#command("token", "add", name, "--scope", scope, "--json")).token;
  }

  /** Makes the vault and begins the repository with it; the vault's folder. */
  async beginContent() {
    const vault = join(this.#folder, "vault");
    await this.#command("content", "keys", "init", vault);
    return vault;
  }

  /** Types a command that the page shows; `more` is what this folder and this test need besides. */
  async type(command, ...more) {
    const [, ...args] = command.split(" ");
    await this.#command(...args, ...more);
  }

  /** Publishes the EPUB and PDF files of these names and bytes. */
  async publishBooks(release, vault, files, licences) {
    const folder = mkdtempSync(join(this.#folder, "books-"));
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
    const table = join(this.#folder, `${release}.csv`);
    writeFileSync(table, licences);
    await this.#command("content", "publish", folder, "--release", release, "--licences", table, "--keys", vault, "--yes");
  }

  async nameSite(site, name) {
    await this.#command("site", "set", site, "--name", name);
  }

  /** A device says what it has and shows, as a kiosk's agent does. */
  async publishReported(device, reported) {
    await this.#send(device, "reported", JSON.stringify(reported), "-r");
  }

  /** A count of the last second. */
  async publishVisit(device, { id, entered, left = 0 }) {
    const now = Date.now();
    const time = (ms) => new Date(ms).toISOString();
    await this.publish(device, {
      specversion: "1.0",
      id,
      source: `/devices/${device}`,
      type: "library.visit.counted.v1",
      time: time(now),
      data: { from: time(now - 1_000), to: time(now), in: entered, out: left, flags: [] },
    });
  }

  async publish(device, message) {
    await this.#send(device, "events", typeof message === "string" ? message : JSON.stringify(message));
  }

  async #send(device, topic, payload, ...options) {
    const [host, port] = this.#listen.mqtt.split(":");
    await run("mosquitto_pub", [
      "-h", host, "-p", port, "-V", "mqttv5", "-i", device, "-u", device, "-P", this.#passwords.get(device),
      "-q", "1", "-t", `library/v1/devices/${device}/${topic}`, "-m", payload, ...options,
    ]);
  }

  /** Holds it still: it answers nobody, and nobody is told that it is gone. */
  hold() {
    this.#child.kill("SIGSTOP");
  }

  /** Lets it go on. */
  release() {
    this.#child.kill("SIGCONT");
  }

  /** Kills it as a power cut would. */
  async kill() {
    const ended = new Promise((done) => this.#child.once("exit", done));
    this.#child.kill("SIGKILL");
    await ended;
  }

  async stop() {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = new Promise((done) => this.#child.once("exit", done));
      this.#child.kill("SIGTERM");
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #config() {
    return join(this.#folder, "gateway.toml");
  }

  get #data() {
    return join(this.#folder, "data");
  }

  async #command(...args) {
    const { stdout } = await run(BINARY, [...args, "--config", this.#config, "--data", this.#data]);
    return stdout;
  }

  async #ready() {
    const deadline = Date.now() + READY_WITHIN_MS;
    for (;;) {
      try {
        const listen = JSON.parse(readFileSync(join(this.#data, "endpoints.json"), "utf8"));
        if ((await fetch(`http://${listen.http}/readyz`)).ok) {
          this.#listen = listen;
          return;
        }
      } catch (error) {
        if (Date.now() > deadline) throw new Error(`not ready: ${error}\n${this.#said}`);
      }
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}
