/** Rollouts as the page asks for them and tells of them. */
import { get, told } from "./api.ts";
import { civil, date, DAY, dayStart, MINUTE } from "./time.ts";
import { say, type Lang } from "./words.ts";

/** How far a device can be, in order; those expected to be off-line stand apart. */
export const STATES = ["waiting", "offered", "downloading", "verified", "installed", "shown", "failed", "removed"] as const;
export type DeviceState = (typeof STATES)[number];
export type RolloutState = "awaiting-approval" | "ready" | "running" | "paused" | "finished" | "aborted";
export type Act = "approve" | "start" | "pause" | "resume" | "abort" | "retry";

export interface Threshold {
  percent: number;
  sample_min: number;
}

export interface Stage {
  name: string;
  percent: number | null;
  success: Threshold;
  failure: Threshold;
  under_way: number;
  excused: number;
  succeeded: number;
  failed: number;
  overlooked: number;
}

/** A row of `GET /api/v1/rollouts`, the newest first. */
export interface Rollout {
  number: number;
  release: string;
  state: RolloutState;
  by: string | null;
  failures: { failed: number; ended: number } | null;
  asked_by: string;
  approved_by: string | null;
  created: string;
  stage: number;
  stages: Stage[];
  counts: Partial<Record<DeviceState, number>>;
  excused: number;
  absent: string[];
  arrival: string | null;
  is_open: boolean;
}

export interface Member {
  device: string;
  name: string;
  site: string | null;
  stage: number;
  state: DeviceState;
  since: string | null;
  bytes: number | null;
  of: number | null;
  rate: number | null;
  arrival: string | null;
  reason: string | null;
  detail: string | null;
  attempt: number;
  excused_until: string | null;
  is_absent: boolean;
  is_proved: boolean;
}

/** `GET /api/v1/rollouts/{number}` */
export interface RolloutDetail extends Rollout {
  devices: Member[];
}

export const rollouts = {
  list: () => get<Rollout[]>("/rollouts"),
  one: (number: number) => get<RolloutDetail>(`/rollouts/${number}`),
  act: (number: number, act: Act) => told<RolloutDetail>(`/rollouts/${number}/${act}`, {}),
};

/** What may be done with it now, in the order of the buttons. */
export function acts(rollout: Rollout): Act[] {
  const retry: Act[] = (rollout.counts.failed ?? 0) > 0 ? ["retry"] : [];
  switch (rollout.state) {
    case "awaiting-approval":
      return ["approve", "abort"];
    case "ready":
      return ["start", "abort"];
    case "running":
      return ["pause", ...retry, "abort"];
    case "paused":
      return ["resume", ...retry, "abort"];
    case "finished":
      return retry;
    case "aborted":
      return [];
  }
}

/** Whom an abort takes the release from: all that were told and have not shown it. */
export function losing(rollout: Rollout): number {
  const begun: readonly DeviceState[] = ["offered", "downloading", "verified", "installed"];
  return begun.reduce((sum, state) => sum + (rollout.counts[state] ?? 0), 0);
}

/** All that are counted. */
export function counted(rollout: Rollout): number {
  return STATES.reduce((sum, state) => sum + (rollout.counts[state] ?? 0), 0);
}

/** What is there of what there is to be, floored: 100 only where it is all. */
export function percentOf(part: number, all: number): number {
  return all === 0 ? 0 : Math.floor((part / all) * 100);
}

/** Who needs a look first, then by how far. */
export function byNeed(members: readonly Member[]): Member[] {
  const order = (member: Member) =>
    member.state === "failed" ? 0 : member.is_absent ? 1 : member.excused_until !== null ? 9 : 2 + STATES.length - STATES.indexOf(member.state);
  return members.toSorted((a, b) => order(a) - order(b) || a.device.localeCompare(b.device));
}

/** A time of day as people say an arrival: `evening`. */
export function partOfDay(hour: number): "night" | "morning" | "noon" | "afternoon" | "evening" {
  if (hour < 6) return "night";
  if (hour < 11) return "morning";
  if (hour < 13) return "noon";
  return hour < 18 ? "afternoon" : "evening";
}

/** When it is done, as people say it: `周四傍晚`. A device's estimate is no minute's promise. */
export function arrivalWords(at: string, now: number, zone: string, lang: Lang): string {
  const when = Date.parse(at);
  const part = say(lang, `rollouts.part.${partOfDay(civil(when, zone).hour)}`);
  const days = Math.round((dayStart(when, zone) - dayStart(now, zone)) / DAY);
  if (days === 0) return say(lang, "rollouts.arrival.today", { part });
  if (days === 1) return say(lang, "rollouts.arrival.tomorrow", { part });
  const isThisWeek = days > 0 && days < 7;
  const day = isThisWeek ? WEEKDAY[lang].format(when + offset(when, zone)) : date(when, now, zone, lang);
  return say(lang, "rollouts.arrival.day", { day, part });
}

const WEEKDAY = {
  zh: new Intl.DateTimeFormat("zh-CN", { weekday: "short", timeZone: "UTC" }),
  en: new Intl.DateTimeFormat("en", { weekday: "long", timeZone: "UTC" }),
};

/** By how much the zone is ahead of UTC then. */
function offset(at: number, zone: string): number {
  const { year, month, day, hour, minute } = civil(at, zone);
  return Date.UTC(year, month - 1, day, hour, minute) - Math.floor(at / MINUTE) * MINUTE;
}
