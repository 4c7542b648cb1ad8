/** The pages there are, in the order of the navigation; `key` follows `g`. */
import type { IconName } from "./parts/Icon.svelte";
import type { Word } from "./words.ts";

export interface PageEntry {
  name: "overview" | "devices" | "visits" | "loans" | "bus" | "conflicts" | "notices" | "releases" | "rollouts" | "quarantine" | "tokens" | "audit";
  path: string;
  word: Word;
  icon: IconName;
  key: string;
  /** The heading it stands under, where it is the first there. */
  group?: Word;
  /** Under “more” on a phone: there is room for four. */
  isRare?: boolean;
}

export const PAGES: readonly PageEntry[] = [
  { name: "overview", path: "/", word: "nav.overview", icon: "overview", key: "o" },
  { name: "devices", path: "/devices", word: "nav.devices", icon: "devices", key: "d" },
  { name: "visits", path: "/visits", word: "nav.visits", icon: "visits", key: "v" },
  { name: "loans", path: "/loans", word: "nav.loans", icon: "book", key: "l", isRare: true },
  { name: "conflicts", path: "/conflicts", word: "nav.conflicts", icon: "warn", key: "c", isRare: true },
  { name: "bus", path: "/bus", word: "nav.bus", icon: "bus", key: "b", isRare: true },
  { name: "notices", path: "/notices", word: "nav.notices", icon: "notice", key: "n", isRare: true },
  { name: "releases", path: "/releases", word: "nav.releases", icon: "releases", key: "r", isRare: true },
  { name: "rollouts", path: "/rollouts", word: "nav.rollouts", icon: "up", key: "p", isRare: true },
  {
    name: "quarantine",
    path: "/quarantine",
    word: "nav.quarantine",
    icon: "quarantine",
    key: "q",
    group: "nav.admin",
  },
  { name: "tokens", path: "/tokens", word: "nav.tokens", icon: "key", key: "t", isRare: true },
  { name: "audit", path: "/audit", word: "nav.audit", icon: "list", key: "a", isRare: true },
];
