/**
 * The one sentence that is true now: what needs somebody, worst first, with its remedy. Alarms
 * that can be acknowledged come with the alarms page; these are read off the present state.
 */
import type { Device, Gateway, QuarantinePage, Site } from "./api.ts";
import { devicePath } from "./place.ts";
import { standingOf } from "./standing.ts";
import { HOUR } from "./time.ts";

export type Severity = "crit" | "warn" | "gap";

/** One thing that needs somebody: one cause, however many devices show it. */
export type Trouble = { severity: Severity; since: number | undefined; href: string | undefined } & (
  | ({ kind: "certificate" } & Gateway["certificate"])
  | { kind: "conflict"; device: string; n: number }
  | { kind: "site_offline"; site: string; n: number }
  | { kind: "offline"; device: string; hasAgent: boolean }
  | { kind: "gap"; device: string; n: number }
  | { kind: "refused"; device: string; n: number; reason: string }
  | { kind: "clock"; device: string }
  | { kind: "alarm"; device: string; alarm: Alarm; n: number }
  | { kind: "quarantine"; device: string; n: number; reason: string; more: boolean }
  | { kind: "signature"; role: string; until: number; isOffLine: boolean }
);

/** What a device says of the machines it is there for, worst first. */
export const ALARMS = [
  "library-system-away",
  "self-checkout-out-of-service",
  "payment-unresolved",
  "content-refused",
  "screen-silent",
  "self-checkout-out-of-paper",
] as const;
export type Alarm = (typeof ALARMS)[number];

/** What the page opens with. */
export interface Verdict {
  troubles: Trouble[];
  /** Devices there are. */
  devices: number;
  /** Of these, in contact. */
  online: number;
  /** Of these, not yet once in contact. */
  never: number;
  /** Devices that no trouble names. */
  well: number;
  /** Records that can never come. */
  lost: number;
}

/** What it is read off. */
export interface Evidence {
  devices: readonly Device[];
  sites: readonly Site[];
  quarantine: QuarantinePage;
  /** None until it has told of itself. */
  gateway: Gateway | undefined;
  now: number;
}

/** The roles whose keys are in the operator's hand; the gateway renews the others by itself. */
const OFF_LINE: readonly string[] = ["root", "targets"];

/** A refused message worries for this long. */
const REFUSAL_WORRIES = 1 * HOUR;

export function verdictOf(evidence: Evidence): Verdict {
  const devices = evidence.devices.filter((device) => device.enabled);
  const troubles = [
    ...certificate(evidence.gateway),
    ...conflicts(devices),
    ...silences(devices, evidence.sites),
    ...gaps(devices),
    ...refusals(devices, evidence.now),
    ...clocks(devices),
    ...machines(devices),
    ...quarantine(evidence),
    ...signatures(evidence),
  ];
  const rank: Record<Severity, number> = { crit: 0, warn: 1, gap: 2 };
  troubles.sort((a, b) => rank[a.severity] - rank[b.severity] || (a.since ?? 0) - (b.since ?? 0));
  const standings = devices.map(standingOf);
  return {
    troubles,
    devices: devices.length,
    online: devices.filter((device) => device.link === "online").length,
    never: standings.filter((standing) => standing === "never").length,
    well: standings.filter((standing) => standing === "online" || standing === "catching").length,
    lost: devices.reduce((sum, device) => sum + device.lost, 0),
  };
}

/** Once it has ended, whoever looks at dates is shut out; before, there is time to replace it. */
function certificate(gateway: Gateway | undefined): Trouble[] {
  if (gateway === undefined || gateway.certificate.standing === "good") return [];
  const { standing, origin, not_before, not_after } = gateway.certificate;
  const [severity, since]: [Severity, number | undefined] =
    standing === "ended" ? ["crit", instant(not_after)] : [standing === "ends-soon" ? "warn" : "crit", undefined];
  // No page shows more of it: the remedy is on the gateway's own machine.
  return [{ kind: "certificate", severity, since, href: undefined, standing, origin, not_before, not_after }];
}

function conflicts(devices: readonly Device[]): Trouble[] {
  return devices
    .filter((device) => device.id_conflicts > 0)
    .map(({ device, id_conflicts, alarms }) => ({
      kind: "conflict",
      severity: "crit",
      since: instant(alarms.find(({ kind }) => kind === "id-conflict")?.since ?? null),
      href: devicePath(device),
      device,
      n: id_conflicts,
    }));
}

/** Where all devices of a site fell silent, it is one line and not many devices. */
function silences(devices: readonly Device[], sites: readonly Site[]): Trouble[] {
  const troubles: Trouble[] = [];
  const single = new Set(devices.filter(isSilent));
  for (const { site } of sites) {
    const there = devices.filter((device) => device.site === site && device.last_contact !== null);
    if (there.length < 2 || !there.every(isSilent)) continue;
    there.forEach((device) => single.delete(device));
    const since = Math.min(...there.map((device) => instant(device.since) ?? Infinity));
    troubles.push({
      kind: "site_offline",
      severity: "crit",
      since: Number.isFinite(since) ? since : undefined,
      href: `/devices?find=${encodeURIComponent(site)}`,
      site,
      n: there.length,
    });
  }
  for (const { device, since: text, agent } of single) {
    const [since, href, hasAgent] = [instant(text), devicePath(device), agent !== null];
    troubles.push({ kind: "offline", severity: "warn", since, href, device, hasAgent });
  }
  return troubles;
}

function isSilent(device: Device): boolean {
  return device.link === "offline" && device.last_contact !== null;
}

function gaps(devices: readonly Device[]): Trouble[] {
  return devices
    .filter((device) => device.open > 0)
    .map(({ device, open }) => ({
      kind: "gap",
      severity: "gap",
      since: undefined,
      href: devicePath(device),
      device,
      n: open,
    }));
}

function refusals(devices: readonly Device[], now: number): Trouble[] {
  return devices.flatMap(({ device, refused, last_refusal: last }): Trouble[] => {
    const since = last === null ? undefined : instant(last.at);
    if (last === null || since === undefined || now - since > REFUSAL_WORRIES) return [];
    const href = devicePath(device);
    return [{ kind: "refused", severity: "warn", since, href, device, n: refused, reason: last.reason }];
  });
}

function clocks(devices: readonly Device[]): Trouble[] {
  return devices
    .filter((device) => standingOf(device) === "clock")
    .map(({ device, since }) => ({
      kind: "clock",
      severity: "warn",
      since: instant(since),
      href: devicePath(device),
      device,
    }));
}

/** The quarantine as one thing; id conflicts among it already have their own line. */
function quarantine({ quarantine: { rows, next } }: Evidence): Trouble[] {
  const [latest] = rows;
  if (latest === undefined) return [];
  return [
    {
      kind: "quarantine",
      severity: "warn",
      since: instant(latest.received),
      href: "/quarantine",
      device: latest.device,
      n: rows.length,
      reason: latest.reason,
      more: next !== null,
    },
  ];
}

/** Signatures that end soon, as one thing for whoever has to see to it: the first that ends. */
function signatures({ gateway, now }: Evidence): Trouble[] {
  const ending = gateway?.signatures.filter((signature) => signature.ends_soon) ?? [];
  return [true, false].flatMap((isOffLine): Trouble[] => {
    const these = ending.filter(({ role }) => OFF_LINE.includes(role) === isOffLine);
    const [first] = these.sort((a, b) => Date.parse(a.expires) - Date.parse(b.expires));
    if (first === undefined) return [];
    const until = Date.parse(first.expires);
    const severity = until <= now ? "crit" : "warn";
    const href = "/releases";
    return [{ kind: "signature", severity, since: undefined, href, role: first.role, until, isOffLine }];
  });
}

/** Of one that is away nobody knows how its machines are. */
function machines(devices: readonly Device[]): Trouble[] {
  return devices
    .filter(({ link }) => link === "online")
    .flatMap(({ device, alarms }) =>
      ALARMS.flatMap((alarm): Trouble[] => {
        const told = alarms.find(({ kind }) => kind === alarm);
        if (told === undefined) return [];
        return [{ kind: "alarm", severity: "warn", since: instant(told.since), href: devicePath(device), device, alarm, n: told.count }];
      }),
    );
}

function instant(text: string | null): number | undefined {
  return text === null ? undefined : Date.parse(text);
}
