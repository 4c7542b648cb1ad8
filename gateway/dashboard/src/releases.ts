/** Releases of e-books as the page asks for them, and how their licence windows are read. */
import { get, post, remove } from "./api.ts";
import { civil, date, DAY, type Civil } from "./time.ts";
import type { Lang } from "./words.ts";

/** What of a title may be different from the release before. */
export const CHANGES = ["added", "file", "cover", "window", "copies", "allotment", "phone", "words"] as const;
export type Change = (typeof CHANGES)[number];

/** A row of `GET /api/v1/content/releases`, the latest first. */
export interface Release {
  name: string;
  published: string;
  actor: string;
  titles: number;
  bytes: number;
  withdrawn: string | null;
}

/** A title of a release. */
export interface Title {
  identifier: string;
  title: string;
  authors: string[];
  media_type: string;
  bytes: number;
  since: string | null;
  until: string | null;
  /** Of the licence in all; null: as many as like. */
  copies: number | null;
  /** By device that has some; -1: as many as like. */
  devices: Record<string, number>;
  /** Of each device that is not named. */
  others: number;
  phone: boolean;
  /** The blob of its cover. */
  cover: string | null;
  changes: string[];
}

/** `GET /api/v1/content/releases/{release}/titles` */
export interface ReleaseTitles {
  release: string;
  before: string | null;
  titles: Title[];
  removed: { identifier: string; title: string; until: string | null }[];
}

/** Licences that end within this are told of: the next release has to be made by then. */
export const SOON = 30 * DAY;

/** A title that is hidden, of `GET /api/v1/content/hidden` */
export interface HiddenTitle {
  title: string;
  /** None where no release has it any more. */
  name: string | null;
  since: string;
  reason: string;
  /** Kiosks that have said that they hide it. */
  confirmed: string[];
  /** Kiosks that have not said so. */
  waiting: string[];
}

export const releases = {
  hidden: async () => (await get<{ hidden: HiddenTitle[] }>("/content/hidden")).hidden,
  hide: (title: string, reason: string) => post("/content/hidden", { title, reason }),
  show: (title: string) => remove(`/content/hidden/${encodeURIComponent(title)}`),
  list: () => get<Release[]>("/content/releases"),
  titles: (name: string) => get<ReleaseTitles>(`/content/releases/${encodeURIComponent(name)}/titles`),
};

/** The titles whose licence ends soon and is not over, the next one first. */
export function endingSoon(titles: readonly Title[], now: number): Title[] {
  const end = ({ until }: Title) => (until === null ? Infinity : Date.parse(until));
  const isSoon = (title: Title) => end(title) > now && end(title) - now <= SOON;
  return titles.filter(isSoon).toSorted((a, b) => end(a) - end(b));
}

/** `978-7-101-00304-8` of `urn:isbn:9787101003048` as people type it: digits alone. */
export function number(identifier: string): string {
  return identifier.replace(/^urn:(isbn|sha256):/, "");
}

/** Whether a title is one that is looked for: by its name, its authors or its number. */
export function isLookedFor(title: Pick<Title, "title" | "authors" | "identifier">, text: string): boolean {
  const wanted = text.trim().toLocaleLowerCase();
  if (wanted === "") return true;
  const digits = wanted.replace(/[-\s]/g, "");
  const said = [title.title, ...title.authors].map((one) => one.toLocaleLowerCase());
  return said.some((one) => one.includes(wanted)) || (digits.length >= 3 && number(title.identifier).includes(digits));
}

/** What a device is given: how many titles, and in how many of them any number may read. */
export interface Share {
  device: string;
  titles: number;
  copies: number;
  unlimited: number;
}

/** Who is given how much, who has the most titles first. */
export function shares(titles: readonly Title[], kiosks: readonly string[]): Share[] {
  const named = titles.flatMap(({ devices }) => Object.keys(devices));
  return [...new Set([...kiosks, ...named])]
    .map((device) => {
      const each = titles.map(({ devices, others }) => devices[device] ?? others);
      const has = each.filter((copies) => copies !== 0);
      const limited = has.filter((copies) => copies > 0);
      return { device, titles: has.length, copies: limited.reduce((sum, n) => sum + n, 0), unlimited: has.length - limited.length };
    })
    .toSorted((a, b) => b.titles - a.titles || a.device.localeCompare(b.device));
}

/** A beginning: the day alone where it is its 00:00. */
export function beginning(at: string, now: number, zone: string, lang: Lang): string {
  const instant = Date.parse(at);
  const local = civil(instant, zone);
  return isMidnight(local) ? date(instant, now, zone, lang) : `${date(instant, now, zone, lang)} ${time(local)}`;
}

/** An end: midnight is 24:00 of the day before, which is wholly within the licence. */
export function ending(at: string, now: number, zone: string, lang: Lang): string {
  const instant = Date.parse(at);
  const local = civil(instant, zone);
  return isMidnight(local)
    ? `${date(instant - 1, now, zone, lang)} 24:00`
    : `${date(instant, now, zone, lang)} ${time(local)}`;
}

/** `5.0 MB` */
export function size(bytes: number): string {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

export function isChange(word: string): word is Change {
  return (CHANGES as readonly string[]).includes(word);
}

function isMidnight({ hour, minute }: Civil): boolean {
  return hour === 0 && minute === 0;
}

function time({ hour, minute }: Civil): string {
  return `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
}
