/**
 * The live stream: says *what* changed, so that the page asks again; visitor figures
 * themselves come from the API alone, and so can never disagree with it.
 */
import { api, type Device } from "./api.ts";
import { EVERYTHING, NOTHING, together, type Changes } from "./changes.ts";
import { SECOND } from "./time.ts";

/** The page paints at most once in this time. */
const PAINT_EVERY = 1 * SECOND;
/** The gateway's beat comes every 5 s; three missed beats are silence. */
const STALE_AFTER = 15 * SECOND;
/** How long a browser that gave up waits until we try again. */
const RECONNECT_AFTER = 3 * SECOND;

type Listener = (changes: Changes) => void;

class Live {
  /** Whether figures are those of now. */
  state: "connecting" | "on" | "off" = $state("connecting");
  /** When the stream was last known to be whole, by this browser's clock. */
  heard: number = $state(Date.now());

  private onRefused: () => void = () => {};
  private source: EventSource | undefined;
  private readonly listeners = new Set<Listener>();
  private pending: Changes = NOTHING;
  private painted = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private watch: ReturnType<typeof setInterval> | undefined;

  /** Listens from now on; `onRefused` is told when the gateway answers but gives no stream. */
  start(onRefused: () => void): void {
    if (this.source !== undefined) return;
    this.onRefused = onRefused;
    this.open();
    this.watch = setInterval(() => this.check(), SECOND);
  }

  stop(): void {
    this.source?.close();
    this.source = undefined;
    clearInterval(this.watch);
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** Calls back with what changed; returns how to end that. */
  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private open(): void {
    const source = new EventSource(api.liveAddress);
    this.source = source;
    source.addEventListener("open", () => this.changed({ ...EVERYTHING, isBack: this.state === "off" }));
    source.addEventListener("error", () => this.failed());
    source.addEventListener("beat", () => this.hear());
    const on = <T>(name: string, changes: (told: T) => Partial<Changes>) =>
      source.addEventListener(name, (event: MessageEvent<string>) =>
        this.changed(changes(JSON.parse(event.data) as T)),
      );
    on<{ sites: string[] | null }>("visits", ({ sites }) => ({
      visits: sites === null ? "all" : new Set(sites),
    }));
    on<{ devices: Device[] | null }>("devices", ({ devices }) => ({ devices: devices ?? "all" }));
    on("quarantine", () => ({ quarantine: true }));
    on("rollouts", () => ({ rollouts: true }));
  }

  private hear(): void {
    this.heard = Date.now();
    this.state = "on";
  }

  private changed(changes: Partial<Changes>): void {
    this.hear();
    this.pending = together(this.pending, { ...NOTHING, ...changes });
    if (this.timer !== undefined) return;
    const wait = Math.max(0, this.painted + PAINT_EVERY - Date.now());
    this.timer = setTimeout(() => this.paint(), wait);
  }

  private paint(): void {
    this.timer = undefined;
    this.painted = Date.now();
    const changes = this.pending;
    this.pending = NOTHING;
    for (const listener of this.listeners) listener(changes);
  }

  private failed(): void {
    this.state = "off";
    // A browser tries again by itself after a break, but gives up on an error status.
    if (this.source?.readyState === EventSource.CLOSED) {
      const closed = this.source;
      this.onRefused();
      setTimeout(() => {
        if (this.source === closed) this.open();
      }, RECONNECT_AFTER);
    }
  }

  private check(): void {
    const silent = Date.now() - this.heard > STALE_AFTER;
    if (silent && this.state === "on") {
      this.state = "off";
      // A stream in a hole never errs: a new one finds out.
      this.source?.close();
      this.open();
    }
  }
}

export const live = new Live();
