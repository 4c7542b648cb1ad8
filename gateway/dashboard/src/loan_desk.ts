/** The loan desk as the page asks for it: how it stands, what is in dispute, what staff rules. */
import { get, post, remove, told } from "./api.ts";
import { following } from "./conflict_pages.ts";
import { settings } from "./settings.svelte.ts";
import { zhSentences } from "./words/sentences.zh.ts";

export type LoanKind = "checkout" | "renew" | "checkin" | "undo";
export type Ruling = "retry" | "force" | "dismiss";
export type Ability = "proven" | "unproven" | "lacking";

/** In the order of their keys, 1 to 3. */
export const RULINGS: readonly Ruling[] = ["retry", "force", "dismiss"];

/** A loan, renewal or return as the desk has it. It names no reader. */
export interface Loan {
  number: number;
  device: string;
  item: string;
  kind: LoanKind;
  happened: string;
  due: string | null;
  state: string;
  outcome: string | null;
  changed: string;
}

/** `GET /api/v1/loans/desk` */
export interface DeskState {
  paused: boolean;
  link: "none" | "down" | "up";
  link_since: string;
  problem: string | null;
  make: string;
  abilities: { circulation: Ability; due: Ability; charged_items: Ability };
  totals: { state: string; outcome: string | null; facts: number }[];
  dry_run: { loan: Loan; sentence: string }[];
  /** Where the next page of it begins; null where this is all. */
  dry_run_next: number | null;
}

/** A ruling that can still be taken back. */
export interface PendingRuling {
  ruling: Ruling;
  reason: string;
  by: string;
  at: string;
  due: string;
}

/** A fact in dispute, of `GET /api/v1/conflicts` */
export interface Conflict {
  loan: Loan;
  kind: string;
  sentence: string;
  words: string | null;
  since: string;
  retry_at: string | null;
  /** What each ruling would do; null where it cannot be given. */
  rulings: Record<Ruling, string | null>;
  history: { number: number; device: string; kind: LoanKind; happened: string; outcome: string }[];
  /** Whether what the library system granted itself before that is no longer in it. */
  history_cut: boolean;
  pending: PendingRuling | null;
}

/** A page of them, newest first. */
export interface ConflictPage {
  conflicts: Conflict[];
  /** How many there are on all pages. */
  total: number;
  next: number | null;
}

/** A payment nobody confirmed, of `GET /api/v1/payments`. It names no reader. */
export interface Payment {
  number: number;
  device: string;
  at: string;
  /** Whether `at` is when it was made, and not when it was received. */
  dated: boolean;
  amount: string | null;
  currency: string | null;
  session: string;
}

/** The most the gateway gives at once. */
const CONFLICTS_PAGE = 200;

export const loanDesk = {
  state: () => get<DeskState>("/loans/desk"),
  pause: () => post("/loans/pause"),
  resume: () => post("/loans/resume"),
  probe: () => post("/loans/probe"),
  conflicts: () =>
    following((before) =>
      get<ConflictPage>(`/conflicts?limit=${CONFLICTS_PAGE}${before === undefined ? "" : `&before=${before}`}`),
    ),
  rule: (number: number, ruling: Ruling, reason: string) =>
    told<PendingRuling>(`/conflicts/${number}/ruling`, { ruling, reason }),
  payments: async () => (await get<{ payments: Payment[] }>("/payments")).payments,
  takeBack: (number: number) => remove(`/conflicts/${number}/ruling`),
};

/** How many facts are in a state. */
export function inState(desk: DeskState, state: string): number {
  return desk.totals.filter((total) => total.state === state).reduce((sum, { facts }) => sum + facts, 0);
}

/** One of the desk's sentences in the reader's language. */
export function sentenceOf(sentence: string): string {
  return settings.lang === "zh" ? (zhSentences[sentence] ?? sentence) : sentence;
}
