/**
 * The gateway's HTTP API as this page uses it: shapes, addresses, and one way to fail.
 * The session is a cookie; nothing here knows who is signed in.
 */

export type LinkState = "online" | "offline" | "unknown";
export type GapState = "open" | "waiting" | "lost";
export type Bucket = "hour" | "day" | "month" | "year";

/** What somebody, or a token, may do; each is within the next. */
export type Right = "read" | "operate" | "administer";

/** `GET /api/v1/sign-in` */
export interface Entrance {
  library: string;
  has_password: boolean;
}

/** An API token, of `GET /api/v1/tokens` */
export interface Token {
  name: string;
  scope: Right;
  made_by: string;
  made: string;
  expires: string | null;
  /** The hour of its last use. */
  used: string | null;
}

/** `POST /api/v1/tokens`: shown once. */
export interface Issued {
  name: string;
  scope: Right;
  expires: string | null;
  token: string;
}

/** What somebody did, of `GET /api/v1/audit` */
export interface AuditRow {
  number: number;
  at: string;
  actor: string;
  action: string;
  subject: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
}

/** A page of them, newest first; `next` is null where there is no other. */
export interface AuditPage {
  rows: AuditRow[];
  next: number | null;
}

/** `GET /api/v1/session` */
export interface Session {
  person: string;
  right: Right;
  library: string;
  zone: string;
  now: string;
}

/** The gateway itself, of `GET /api/v1/gateway` */
export interface Gateway {
  certificate: {
    not_before: string;
    /** When the first of its chain ends. */
    not_after: string;
    /** All but the first need somebody. */
    standing: "good" | "ends-soon" | "ended" | "not-begun";
    /** Who replaces it: the gateway by itself, or whoever brought it. */
    origin: "gateway" | "operator";
  };
  /** Of the releases, by role; nothing before the first. */
  signatures: Signature[];
}

/** A site, of `GET /api/v1/sites` */
export interface Site {
  site: string;
  name: string;
  open: string;
}

/** A hole in a stream; both ends included. */
export interface Gap {
  device: string;
  stream: string;
  from: number;
  to: number;
  state: GapState;
}

/** A device, of `GET /api/v1/devices` */
export interface Device {
  device: string;
  name: string;
  kind: string;
  site: string | null;
  enabled: boolean;
  link: LinkState;
  since: string | null;
  last_contact: string | null;
  ended: string | null;
  agent: string | null;
  refused: number;
  last_refusal: { at: string; topic: string; reason: string } | null;
  clock: { time: string; error_ms: number; synced: boolean } | null;
  /** Records written there that are not here yet. */
  waiting: number;
  open: number;
  lost: number;
  quarantined: number;
  id_conflicts: number;
  last_fact: string | null;
  alarms: { kind: string; count: number; since: string | null }[];
}

/** `GET /api/v1/devices/{device}` */
export interface DeviceDetail extends Device {
  peer: string | null;
  telemetry: { time: string; metrics: Record<string, number> } | null;
  content_refused: string | null;
  screens: { screen: "left" | "right"; shows: string; seen: string; is_silent: boolean }[];
  facts: number;
  flagged_days: { day: string; flag: string; count: number }[];
  streams: StreamState[];
}

/** One stream of one life of an outbox. */
export interface StreamState {
  epoch: string;
  stream: string;
  current: boolean;
  through: number;
  highest: number;
  written: number | null;
  gaps: Gap[];
}

/** `GET /api/v1/visits` */
export interface VisitReport {
  buckets: VisitBucket[];
  total: VisitTotal;
  gaps: Gap[];
}

/** One calendar unit; `complete` is a fraction rounded down, none where nothing was expected. */
export interface VisitBucket {
  start: string;
  in: number;
  out: number;
  visits: number;
  complete: number | null;
}

/** The whole range. */
export interface VisitTotal {
  in: number;
  out: number;
  visits: number;
  hours_unknown: number;
  undated: number;
  complete: number | null;
}

/** A question for visits. */
export interface VisitQuestion {
  from: number;
  to: number;
  bucket: Bucket;
  site?: string | undefined;
  device?: string | undefined;
}

export type AsideState = "open" | "accepted" | "corrected" | "dismissed";

/** An element that was kept aside, of `GET /api/v1/quarantine` */
export interface QuarantineRow {
  number: number;
  device: string;
  received: string;
  type: string | null;
  reason: string;
  /** The attribute, or the path within `data`; empty for the whole. */
  place: string;
  /** What was expected there. */
  expected: string;
  excerpt: string;
  bytes: number;
  state: AsideState;
  /** Its bytes are gone: it cannot be shown or accepted any more. */
  erased: boolean;
  decision: { at: string; by: string; why: string; admitted: number | null } | null;
}

/** A question for elements that were kept aside. */
export interface QuarantineQuestion {
  device?: string | undefined;
  reason?: string | undefined;
  state?: string | undefined;
  before?: number | undefined;
  limit: number;
}

/** An element, opened. */
export interface OpenedElement {
  number: number;
  text: string | null;
  base64: string;
}

/** A page of them, newest first; `next` is null where there is no other. */
export interface QuarantinePage {
  rows: QuarantineRow[];
  next: number | null;
}

/** How long what a role of the releases signed is good. */
export interface Signature {
  role: string;
  version: number;
  expires: string;
  ends_soon: boolean;
}

/** What a problem document tells programs. */
export interface Told {
  /** The last part of its `type`. */
  kind?: string | undefined;
  /** The parameter, or the place in the body, that is wrong. */
  parameter?: string | undefined;
  /** Seconds to wait before the next attempt. */
  retryAfter?: number | undefined;
  /** The id of the request, to be found in the gateway's log. */
  request?: string | undefined;
}

/** Why there is no answer. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** 0 where nobody answered. */
  readonly status: number;
  readonly kind: string | undefined;
  readonly parameter: string | undefined;
  readonly retryAfter: number | undefined;
  readonly request: string | undefined;

  constructor(status: number, detail: string, told: Told = {}) {
    super(detail);
    this.status = status;
    this.kind = told.kind;
    this.parameter = told.parameter;
    this.retryAfter = told.retryAfter;
    this.request = told.request;
  }

  get isSignedOut(): boolean {
    return this.status === 401;
  }
}

export const ROOT = "/api/v1";
/** Longer than the gateway itself takes to give up on a request. */
const PATIENCE_MS = 35_000;

export const api = {
  session: () => get<Session>("/session"),
  signOut: () => post("/sign-out"),
  entrance: () => get<Entrance>("/sign-in"),
  signIn: (name: string, password: string) => post("/sign-in", { name, password }),
  lookAtLink: async (token: string) =>
    (await send("POST", "/sign-in/link/look", { token })).json() as Promise<{ person: string }>,
  signInByLink: (token: string) => post("/sign-in/link", { token }),
  setPassword: (token: string, name: string, password: string) =>
    post("/sign-in/password", { token, name, password }),
  tokens: async () => (await get<{ tokens: Token[] }>("/tokens")).tokens,
  addToken: async (name: string, scope: Right, expires?: string) =>
    (await send("POST", "/tokens", { name, scope, expires })).json() as Promise<Issued>,
  removeToken: (name: string) => remove(`/tokens/${encodeURIComponent(name)}`),
  audit: (limit: number, action?: string, before?: number) => {
    const query = new URLSearchParams({ limit: String(limit) });
    if (action !== undefined) query.set("action", action);
    if (before !== undefined) query.set("before", String(before));
    return get<AuditPage>(`/audit?${query}`);
  },
  gateway: () => get<Gateway>("/gateway"),
  sites: async () => (await get<{ sites: Site[] }>("/sites")).sites,
  devices: async () => (await get<{ devices: Device[] }>("/devices")).devices,
  device: (id: string) => get<DeviceDetail>(`/devices/${encodeURIComponent(id)}`),
  visits: (question: VisitQuestion) => get<VisitReport>(`/visits?${visitQuery(question)}`),
  quarantine: (question: QuarantineQuestion) => get<QuarantinePage>(`/quarantine?${quarantineQuery(question)}`),
  openElement: (number: number) => told<OpenedElement>(`/quarantine/${number}/open`, {}),
  accept: (number: number, why: string) => told<QuarantineRow>(`/quarantine/${number}/accept`, { why }),
  correct: (number: number, why: string, event: unknown) =>
    told<QuarantineRow>(`/quarantine/${number}/correct`, { why, event }),
  dismiss: (number: number, why: string) => told<QuarantineRow>(`/quarantine/${number}/dismiss`, { why }),
  quarantineCsvAddress: (question: QuarantineQuestion) => `${ROOT}/quarantine?${quarantineQuery(question)}&format=csv`,
  devicesCsvAddress: `${ROOT}/devices?format=csv`,
  liveAddress: `${ROOT}/live`,
  csvAddress: (question: VisitQuestion) => `${ROOT}/visits?${visitQuery(question)}&format=csv`,
};

function visitQuery({ from, to, bucket, site, device }: VisitQuestion): string {
  const query = new URLSearchParams({
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    bucket,
  });
  if (site !== undefined) query.set("site", site);
  if (device !== undefined) query.set("device", device);
  return query.toString();
}

export async function get<T>(path: string, patience = PATIENCE_MS): Promise<T> {
  return (await ask(path, { method: "GET" }, patience)).json() as Promise<T>;
}

export async function post(path: string, body?: unknown): Promise<void> {
  await send("POST", path, body);
}

export async function remove(path: string): Promise<void> {
  await send("DELETE", path);
}

function send(method: string, path: string, body?: unknown): Promise<Response> {
  if (body === undefined) return ask(path, { method });
  return ask(path, { method, body: JSON.stringify(body), headers: { "content-type": "application/json" } });
}

export async function told<T>(path: string, body: unknown): Promise<T> {
  return (await send("POST", path, body)).json() as Promise<T>;
}

function quarantineQuery({ limit, ...filters }: QuarantineQuestion): string {
  const query = new URLSearchParams({ limit: String(limit) });
  for (const [name, value] of Object.entries(filters)) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  return query.toString();
}

async function ask(path: string, init: RequestInit, patience = PATIENCE_MS): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(ROOT + path, {
      ...init,
      headers: { accept: "application/json", ...init.headers },
      signal: AbortSignal.timeout(patience),
    });
  } catch (error) {
    throw new ApiError(0, error instanceof Error ? error.message : String(error));
  }
  if (response.ok) return response;
  throw await problemOf(response);
}

/** What a problem document [RFC 9457] says, or the bare status. */
export async function problemOf(response: Response): Promise<ApiError> {
  const told: Told = { request: response.headers.get("x-request-id") ?? undefined };
  const wait = Number(response.headers.get("retry-after"));
  if (wait > 0) told.retryAfter = wait;
  let detail = `${response.status} ${response.statusText}`;
  try {
    const problem: unknown = await response.json();
    if (typeof problem === "object" && problem !== null) {
      if ("detail" in problem) detail = String(problem.detail);
      if ("type" in problem) told.kind = String(problem.type).split("/").pop();
      if ("parameter" in problem) told.parameter = String(problem.parameter);
    }
  } catch {
    // No problem document: something between us and the gateway answered; the status must do.
  }
  return new ApiError(response.status, detail, told);
}
