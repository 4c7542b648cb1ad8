/** Lending as the page asks for it: totals by unit, site and kind, and the yearly table of the bus. */
import { get, ROOT, type Bucket, type Gap, type VisitBucket } from "./api.ts";
import { periodsOf, type Period } from "./band.ts";

/** Figures of lending; only what was granted counts. */
export interface LoanFigures {
  /** 外借册次 */
  checkouts: number;
  /** Of these, within block loans. */
  in_blocks: number;
  /** 外借人次 */
  borrowers: number;
  renewals: number;
  checkins: number;
  cards: number;
}

/** `GET /api/v1/loans/totals` */
export interface LoanReport {
  buckets: ({ start: string } & LoanFigures)[];
  rows: ({ start: string | null; site: string | null; kind: string | null } & LoanFigures)[];
  total: LoanFigures;
  undated: LoanFigures;
  gaps: Gap[];
}

/** A question for totals. */
export interface LoanQuestion {
  from: number;
  to: number;
  bucket: Bucket;
  site?: string | undefined;
  kind?: string | undefined;
}

/** A stop of the bus, of `GET /api/v1/stops` */
export interface StopRow {
  number: number;
  unit: string | null;
  occasion: string | null;
  date: string | null;
  printed: string | null;
  place: string | null;
  volumes: number | null;
  participants: number | null;
  source: "ledger" | "imported";
  device: string | null;
  stop: string | null;
  closed: boolean;
  checkouts: number | null;
  checkins: number | null;
}

/** The yearly table 流动服务活动一览表 */
export interface StopTable {
  year: number;
  rows: StopRow[];
  volumes: { sum: number; missing: number };
  participants: { sum: number; missing: number };
}

/** How far a device's facts have come, of `GET /api/v1/sync` */
export interface SyncRow {
  device: string;
  /** Its loans that the library system has yet to hear of. */
  at_desk: number;
  /** When the oldest of all that waits happened, in the device or here. */
  oldest: string | null;
}

export const lending = {
  sync: async () => (await get<{ devices: SyncRow[] }>("/sync")).devices,
  totals: (question: LoanQuestion) => get<LoanReport>(`/loans/totals?${loanQuery(question)}`),
  totalsCsv: (question: LoanQuestion) => `${ROOT}/loans/totals?${loanQuery(question)}&format=csv`,
  stops: (year: number) => get<StopTable>(`/stops?year=${year}`),
  stopsFile: (year: number, format: "csv" | "xlsx") => `${ROOT}/stops?year=${year}&format=${format}`,
};

function loanQuery({ from, to, bucket, site, kind }: LoanQuestion): string {
  const query = new URLSearchParams({
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    bucket,
  });
  if (site !== undefined) query.set("site", site);
  if (kind !== undefined) query.set("kind", kind);
  return query.toString();
}

/**
 * The units of a report as the chart takes them. Loans come as they happen and nobody expects
 * any at a time: what has passed is known, and what is missing stands in the gaps.
 */
export function loanPeriods(report: LoanReport, unit: Bucket, zone: string, now: number): Period[] {
  const buckets: VisitBucket[] = report.buckets.map(({ start, checkouts, checkins }) => ({
    start,
    in: checkouts,
    out: checkins,
    visits: checkouts,
    complete: 1,
  }));
  return periodsOf(buckets, unit, zone, now).map((period) => ({
    ...period,
    bucket: { ...period.bucket, complete: null },
  }));
}

/** What each site and kind of device lent over the whole range, most first. */
export function bySiteAndKind(report: LoanReport): Share[] {
  const shares = new Map<string, Share>();
  for (const { site, kind, checkouts, borrowers, renewals, checkins } of report.rows) {
    const id = `${site ?? ""} ${kind ?? ""}`;
    const share = shares.get(id) ?? { id, site, kind, checkouts: 0, borrowers: 0, renewals: 0, checkins: 0 };
    share.checkouts += checkouts;
    share.borrowers += borrowers;
    share.renewals += renewals;
    share.checkins += checkins;
    shares.set(id, share);
  }
  return [...shares.values()].toSorted((a, b) => b.checkouts - a.checkouts);
}

/** What one kind of device lent at one site. */
export interface Share {
  id: string;
  site: string | null;
  kind: string | null;
  checkouts: number;
  borrowers: number;
  renewals: number;
  checkins: number;
}
