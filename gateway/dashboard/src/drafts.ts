/** Drafts of releases: files brought from this browser, and what the gateway understands of them. */
import { ApiError, get, problemOf, remove, ROOT, told } from "./api.ts";
import { civil, MINUTE } from "./time.ts";

/** A draft, of `GET /api/v1/content/drafts/{draft}` */
export interface Draft {
  id: string;
  release: string;
  made: string;
  by: string;
  changed: string;
  expires: string;
  files: { name: string; bytes: number }[];
  /** The file with the licences. */
  licences: string | null;
  /** When the release of that name was published since. */
  published: string | null;
  /** How far its new files have come; none before it was understood. */
  brought: { files: number; of: number } | null;
}

export interface DraftLimits {
  drafts: number;
  files: number;
  file_bytes: number;
  bytes: number;
}

/** What becomes of a title. */
export const FATES = ["new", "replaced", "renewed", "kept", "ended", "retired"] as const;
export type Fate = (typeof FATES)[number];

export interface DraftTitle {
  identifier: string;
  title: string;
  file: string | null;
  fate: Fate;
  since: string | null;
  until: string | null;
  copies: number | null;
  devices: Record<string, number>;
  others: number;
  bytes: number;
}

export interface DraftProblem {
  about: string;
  is_refused: boolean;
  word: string;
  /** In English. */
  fault: string;
}

export interface Understanding {
  release: string;
  titles: DraftTitle[];
  problems: DraftProblem[];
  counts: Record<Fate, number>;
  is_refused_in_part: boolean;
  bytes: number;
  new_bytes: number;
}

/** Gigabytes are read before there is an answer. */
const READING_PATIENCE = 30 * MINUTE;

const path = (id: string) => `/content/drafts/${encodeURIComponent(id)}`;

export const drafts = {
  list: () => get<{ drafts: Draft[]; limits: DraftLimits }>("/content/drafts"),
  one: (id: string) => get<Draft>(path(id)),
  begin: (release: string) => told<Draft>("/content/drafts", { release }),
  discard: (id: string) => remove(path(id)),
  removeFile: (id: string, name: string) => remove(`${path(id)}/files/${encodeURIComponent(name)}`),
  understanding: (id: string) => get<Understanding>(`${path(id)}/understanding`, READING_PATIENCE),
  bring,
};

/** Sends a file; `told` hears how many bytes have gone. No other way tells them. */
function bring(id: string, file: File, told: (bytes: number) => void): Promise<void> {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open("PUT", `${ROOT}${path(id)}/files/${encodeURIComponent(file.name)}`);
    request.setRequestHeader("content-type", "application/octet-stream");
    request.setRequestHeader("accept", "application/json");
    request.upload.onprogress = ({ loaded }) => told(loaded);
    request.onerror = () => fail(new ApiError(0, ""));
    request.onload = () => {
      if (request.status < 300) return done();
      const headers = { "x-request-id": request.getResponseHeader("x-request-id") ?? "" };
      void problemOf(new Response(request.responseText, { status: request.status, headers })).then(fail);
    };
    request.send(file);
  });
}

/** The files of a choice that a draft does not have yet: same name and size is the same. */
export function missing<T extends { name: string; size: number }>(chosen: readonly T[], draft: Pick<Draft, "files">): T[] {
  const there = new Map(draft.files.map(({ name, bytes }) => [name, bytes]));
  return chosen.filter(({ name, size }) => there.get(name) !== size);
}

/** Whether a file is one that a draft takes. */
export function isTaken({ name }: { name: string }): boolean {
  return !name.startsWith(".") && /\.(epub|pdf|csv|json)$/i.test(name);
}

/** `2026-12`: the month after this one, or after the last that is published. */
export function nextRelease(now: number, zone: string, published: readonly string[]): string {
  const { year, month } = civil(now, zone);
  const months = published.filter((name) => /^\d{4}-(0[1-9]|1[0-2])$/.test(name));
  const last = [`${year}-${twoDigits(month)}`, ...months].toSorted().at(-1) ?? "";
  const [lastYear, lastMonth] = [Number(last.slice(0, 4)), Number(last.slice(5))];
  return lastMonth === 12 ? `${lastYear + 1}-01` : `${lastYear}-${twoDigits(lastMonth + 1)}`;
}

const twoDigits = (n: number) => String(n).padStart(2, "0");

/** What is typed where the vault is. */
export function command(id: string, takesUnderstood: boolean): string {
  return `lujiang-gateway content publish --draft ${id}${takesUnderstood ? " --take-understood" : ""} --keys /media/stick/lujiang`;
}
