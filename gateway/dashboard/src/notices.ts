/** Notices of the right-hand screens as the page asks for them, and how they are judged. */
import { get, remove, told } from "./api.ts";

/** A notice, of `GET /api/v1/content/notices` */
export interface Notice {
  id: string;
  title: string;
  body: string;
  image?: { blob: string; type: string } | null;
  from: string;
  until?: string | null;
  order: number;
}

/** What a notice may be. */
export interface NoticeLimits {
  notices: number;
  body: number;
  image_bytes: number;
  image_pixels: number;
}

/** A title that is shown nowhere. */
export interface Hidden {
  title: string;
  since: string;
  reason: string;
}

export interface Said {
  notices: Notice[];
  hidden: Hidden[];
  limits: NoticeLimits;
}

/** A notice to be shown; its picture in base64. */
export interface NewNotice {
  id: string;
  title: string;
  body: string;
  image: string | null;
  from: string | null;
  until: string | null;
  order: number;
}

export const notices = {
  said: () => get<Said>("/content/notices"),
  add: (notice: NewNotice) => told<{ revision: number }>("/content/notices", notice),
  remove: (id: string) => remove(`/content/notices/${encodeURIComponent(id)}`),
  picture: (blob: string) => `/api/v1/content/pictures/${blob}`,
};

/** More is not read from where people stand: two lines of the screen. */
export const BODY_READABLE = 60;

export type NoticeState = "shown" | "coming" | "over";

/** Where it is in its life. */
export function stateOf({ from, until }: Notice, now: number): NoticeState {
  if (now < Date.parse(from)) return "coming";
  return until != null && Date.parse(until) <= now ? "over" : "shown";
}

/** In the order of the loop; equals go by their id, as on the screen. */
export function inOrder(all: readonly Notice[]): Notice[] {
  return all.toSorted((a, b) => a.order - b.order || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

/** `2026-11-04-1432`: tells when it was written; a second of the same minute gets a number. */
export function newId(minute: string, taken: readonly string[]): string {
  const bare = minute.replace("T", "-").replace(":", "");
  let id = bare;
  for (let n = 2; taken.includes(id); n++) id = `${bare}-${n}`;
  return id;
}
