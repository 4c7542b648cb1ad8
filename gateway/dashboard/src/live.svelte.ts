/**
 * The live stream: says *what* changed, so that the page asks again; figures themselves come from
 * the API alone, and so can never disagree with it.
 */
import { api } from "./api.ts";
import { SECOND } from "./time.ts";

/** What a change is about. */
export type Topic = "visits" | "devices" | "quarantine";

/** The page paints at most once in this time. */
const PAINT_EVERY = 1 * SECOND;
/** The gateway's beat comes every 5 s; three missed beats are silence. */
const STALE_AFTER = 15 * SECOND;
/** How long a browser that gave up waits until we try again. */
const RECONNECT_AFTER = 3 * SECOND;

type Listener = (topics: ReadonlySet<Topic>) => void;

class Live {
  /** Whether figures are those of now. */
  state: "connecting" | "on" | "off" = $state("connecting");
  /** When the stream was last known to be whole, by this browser's clock. */
  heard: number = $state(Date.now());

  private source: EventSource | undefined;
  private readonly listeners = new Set<Listener>();
  private readonly pending = new Set<Topic>();
  private painted = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private watch: ReturnType<typeof setInterval> | undefined;

  start(): void {
    if (this.source !== undefined) return;
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
    source.addEventListener("open", () => this.opened());
    source.addEventListener("error", () => this.failed());
    source.addEventListener("beat", () => this.hear());
    for (const topic of ["visits", "devices", "quarantine"] as const) {
      source.addEventListener(topic, () => this.changed(topic));
    }
  }

  /** Whatever happened while nobody listened is unknown: everything is asked again. */
  private opened(): void {
    this.hear();
    for (const topic of ["visits", "devices", "quarantine"] as const) this.changed(topic);
  }

  private hear(): void {
    this.heard = Date.now();
    this.state = "on";
  }

  private changed(topic: Topic): void {
    this.hear();
    this.pending.add(topic);
    if (this.timer !== undefined) return;
    const wait = Math.max(0, this.painted + PAINT_EVERY - Date.now());
    this.timer = setTimeout(() => this.paint(), wait);
  }

  private paint(): void {
    this.timer = undefined;
    this.painted = Date.now();
    const topics = new Set(this.pending);
    this.pending.clear();
    for (const listener of this.listeners) listener(topics);
  }

  private failed(): void {
    this.state = "off";
    // A browser tries again by itself after a break, but gives up on an error status.
    if (this.source?.readyState === EventSource.CLOSED) {
      const closed = this.source;
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
