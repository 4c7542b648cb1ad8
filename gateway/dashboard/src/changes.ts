/** Changes as the live stream tells them, and how two tellings become one. */
import type { Device } from "./api.ts";

/** What changed since the last telling. */
export interface Changes {
  /** The sites whose visits changed. */
  visits: ReadonlySet<string> | "all" | undefined;
  /** The devices that changed, as they are now. */
  devices: readonly Device[] | "all" | undefined;
  quarantine: boolean;
  /** A rollout went on, or a device of it. */
  rollouts: boolean;
  /** The stream was gone and is back: this is what was missed. */
  isBack: boolean;
}

/** What the page showed at a moment, to tell what is different later. */
export interface Picture {
  devices: readonly Device[];
  /** Today's visits by site. */
  visits: ReadonlyMap<string, number>;
  /** Numbers of the open elements in quarantine. */
  aside: readonly number[];
}

/** How many devices, sites and elements are different. */
export function differences(before: Picture, after: Picture): number {
  const shown = (rows: readonly Device[]) => new Map(rows.map((row) => [row.device, JSON.stringify(row)]));
  const aside = (numbers: readonly number[]) => new Map(numbers.map((number) => [number, true]));
  return (
    changed(shown(before.devices), shown(after.devices)) +
    changed(before.visits, after.visits) +
    changed(aside(before.aside), aside(after.aside))
  );
}

function changed<K, V>(before: ReadonlyMap<K, V>, after: ReadonlyMap<K, V>): number {
  const keys = new Set([...before.keys(), ...after.keys()]);
  return [...keys].filter((key) => before.get(key) !== after.get(key)).length;
}

/** Whatever happened while nobody listened is unknown. */
export const EVERYTHING: Changes = { visits: "all", devices: "all", quarantine: true, rollouts: true, isBack: false };
/** Nothing changed. */
export const NOTHING: Changes = { visits: undefined, devices: undefined, quarantine: false, rollouts: false, isBack: false };

/** Both changes as one; of a device the later row counts. */
export function together(a: Changes, b: Changes): Changes {
  const visits =
    a.visits === "all" || b.visits === "all"
      ? "all"
      : a.visits && b.visits
        ? new Set([...a.visits, ...b.visits])
        : (a.visits ?? b.visits);
  const devices =
    a.devices === "all" || b.devices === "all"
      ? "all"
      : a.devices && b.devices
        ? replaced(a.devices, b.devices)
        : (a.devices ?? b.devices);
  const quarantine = a.quarantine || b.quarantine;
  const rollouts = a.rollouts || b.rollouts;
  return { visits, devices, quarantine, rollouts, isBack: a.isBack || b.isBack };
}

/** The rows with newer ones in the place of older; unknown ones at the end. */
export function replaced(rows: readonly Device[], newer: readonly Device[]): Device[] {
  const byId = new Map(rows.map((row) => [row.device, row]));
  for (const row of newer) byId.set(row.device, row);
  return [...byId.values()];
}
