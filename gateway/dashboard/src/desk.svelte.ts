/**
 * What the whole page shares: the session, the sites, the devices, today's visits, the quarantine,
 * and the time. Asks again when the live stream says that something changed.
 */
import { api, ApiError, type Device, type Gateway, type QuarantinePage, type Session, type Site, type VisitReport } from "./api.ts";
import { differences, EVERYTHING, replaced, type Changes, type Picture } from "./changes.ts";
import { live } from "./live.svelte.ts";
import { isOpen, weekOf } from "./opening.ts";
import { Resource } from "./resource.svelte.ts";
import { dayStart, MINUTE, SECOND } from "./time.ts";
import { verdictOf, type Verdict } from "./verdict.ts";

/** Rows of the quarantine shown at once. */
export const QUARANTINE_PAGE = 100;
/** How long the page says what it caught up. */
const CAUGHT_UP_FOR = 8 * SECOND;

class Desk {
  /** Where the reader stands: unknown at first, then signed in or not. */
  access: "asking" | "in" | "out" | "unreachable" = $state("asking");
  session: Session | undefined = $state.raw(undefined);
  /** The gateway's time, in milliseconds, moving on by itself. */
  now: number = $state(Date.now());

  readonly sites = new Resource<Site[]>(() => api.sites(), () => this.signedOut());
  readonly devices = new Resource<Device[]>(() => api.devices(), () => this.signedOut());
  readonly quarantine = new Resource<QuarantinePage>(
    () => api.quarantine({ state: "open", limit: QUARANTINE_PAGE }),
    () => this.signedOut(),
  );
  readonly gateway = new Resource<Gateway>(() => api.gateway(), () => this.signedOut());
  /** Today's visits: of the library, and by site. */
  readonly today = new Resource<Today>(() => this.fetchToday(), () => this.signedOut());

  /** The same day a week ago, to compare with. */
  readonly lastWeek = new Resource<VisitReport>(
    () => {
      const now = Date.now() + this.ahead;
      return api.visits({ from: dayStart(now, this.zone, -7), to: dayStart(now, this.zone, -6), bucket: "hour" });
    },
    () => this.signedOut(),
  );
  /** How much changed while the stream was gone; for a moment after it is back. */
  caughtUp: number | undefined = $state(undefined);

  readonly verdict: Verdict | undefined = $derived.by(() => {
    const devices = this.devices.data;
    if (devices === undefined || this.sites.data === undefined) return undefined;
    return verdictOf({
      devices,
      sites: this.sites.data,
      quarantine: this.quarantine.data ?? { rows: [], next: null },
      gateway: this.gateway.data,
      now: this.now,
    });
  });

  /** The sites whose visits of today are to be asked for again. */
  private stale: ReadonlySet<string> | "all" = "all";
  /** The gateway's clock minus this browser's, in milliseconds. */
  ahead = 0;
  private ticking: ReturnType<typeof setInterval> | undefined;

  get zone(): string {
    return this.session?.zone ?? "Asia/Shanghai";
  }

  /** What a site is called. */
  siteName(id: string | null): string | undefined {
    if (id === null) return undefined;
    return this.sites.data?.find((site) => site.site === id)?.name ?? id;
  }

  /** What a device is called. */
  deviceName(id: string): string {
    return this.devices.data?.find((device) => device.device === id)?.name ?? id;
  }

  /** Whether that site, or any, is to be open in a part of a day. */
  isOpen(site: string | undefined, start: number, end: number): boolean {
    const all = this.sites.data ?? [];
    const weeks = all.filter((one) => site === undefined || one.site === site).map(({ open }) => weekOf(open));
    return weeks.length === 0 || isOpen(weeks, start, end, this.zone);
  }

  async enter(): Promise<void> {
    const resource = new Resource<Session>(() => api.session(), () => this.signedOut());
    await resource.refresh();
    if (resource.data === undefined) {
      if (this.access !== "out") this.access = "unreachable";
      return;
    }
    this.session = resource.data;
    this.ahead = Date.parse(resource.data.now) - Date.now();
    this.access = "in";
    this.tick();
    this.ticking ??= setInterval(() => this.tick(), SECOND);
    // Once the stream stands it tells that everything is to be asked for; until then this is it.
    live.listen((changes) => void this.take(changes));
    live.start(() => void this.askAgain());
    await Promise.all([this.take(EVERYTHING), this.gateway.refresh()]);
  }

  async leave(): Promise<void> {
    await api.signOut();
    this.signedOut();
  }

  private async take(changes: Changes): Promise<void> {
    const before = changes.isBack ? this.picture() : undefined;
    await this.ask(changes);
    if (before === undefined) return;
    const caughtUp = differences(before, this.picture());
    this.caughtUp = caughtUp;
    setTimeout(() => {
      if (this.caughtUp === caughtUp) this.caughtUp = undefined;
    }, CAUGHT_UP_FOR);
  }

  private picture(): Picture {
    const visits = [...(this.today.data?.bySite ?? [])].map(([site, { total }]) => [site, total.visits] as const);
    return {
      devices: this.devices.data ?? [],
      visits: new Map(visits),
      aside: this.quarantine.data?.rows.map(({ number }) => number) ?? [],
    };
  }

  private async ask(changes: Changes): Promise<void> {
    const { visits, devices, quarantine } = changes;
    const aside = quarantine ? this.quarantine.refresh() : Promise.resolve();
    const known = this.devices.data ?? [];
    if (devices === "all" || devices?.some((row) => !known.some(({ device }) => device === row.device))) {
      // A device that is new may stand at a site that is new.
      await Promise.all([this.devices.refresh(), this.sites.refresh()]);
    } else if (devices !== undefined) {
      this.devices.amend((rows) => replaced(rows, devices));
    }
    if (visits === "all" || this.today.data === undefined) this.stale = "all";
    else if (visits !== undefined && this.stale !== "all") this.stale = new Set([...this.stale, ...visits]);
    if (visits !== undefined) await this.today.refresh();
    await aside;
  }

  /** Why is there no stream? A gateway that was restarted knows nobody any more. */
  private async askAgain(): Promise<void> {
    try {
      await api.session();
    } catch (error) {
      if (error instanceof ApiError && error.isSignedOut) this.signedOut();
    }
  }

  /** The clock; what moves with time is asked again each minute: completeness, and what ends. */
  private tick(): void {
    const before = this.now;
    this.now = Date.now() + this.ahead;
    if (Math.floor(before / MINUTE) !== Math.floor(this.now / MINUTE) && live.state === "on") {
      this.stale = "all";
      void this.today.refresh();
      void this.gateway.refresh();
    }
  }

  signedOut(): void {
    this.access = "out";
    live.stop();
    clearInterval(this.ticking);
    this.ticking = undefined;
  }

  private async fetchToday(): Promise<Today> {
    const now = Date.now() + this.ahead;
    const from = dayStart(now, this.zone);
    const to = dayStart(now, this.zone, 1);
    const stale = this.stale;
    this.stale = new Set();
    const known = this.today.data;
    const isKept = (site: string) =>
      stale !== "all" && !stale.has(site) && known?.from === from && known.bySite.has(site);
    try {
      const asked = (this.sites.data ?? []).map(({ site }) => site).filter((site) => !isKept(site));
      const [library, ...each] = await Promise.all([
        api.visits({ from, to, bucket: "hour" }),
        ...asked.map((site) => api.visits({ from, to, bucket: "hour", site })),
      ]);
      const bySite = new Map(known?.bySite);
      if (known?.from !== from) void this.lastWeek.refresh();
      each.forEach((report, index) => bySite.set(asked[index] ?? "", report));
      return { from, to, library, bySite };
    } catch (error) {
      this.stale = "all";
      throw error;
    }
  }
}

/** Today's visits. */
export interface Today {
  from: number;
  to: number;
  library: VisitReport;
  bySite: Map<string, VisitReport>;
}

export const desk = new Desk();
