/** Releases of e-books as the page asks for them, and how their licence windows are read. */
import { get } from "./api.ts";
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

export const releases = {
  list: () => get<Release[]>("/content/releases"),
  titles: (name: string) => get<ReleaseTitles>(`/content/releases/${encodeURIComponent(name)}/titles`),
};

/** The titles whose licence ends soon and is not over, the next one first. */
export function endingSoon(titles: readonly Title[], now: number): Title[] {
  const end = ({ until }: Title) => (until === null ? Infinity : Date.parse(until));
  const isSoon = (title: Title) => end(title) > now && end(title) - now <= SOON;
  return titles.filter(isSoon).toSorted((a, b) => end(a) - end(b));
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
