/** Changes as the live stream tells them, and how two tellings become one. */
import type { Device } from "./api.ts";

/** What changed since the last telling. */
export interface Changes {
  /** The sites whose visits changed. */
  visits: ReadonlySet<string> | "all" | undefined;
  /** The devices that changed, as they are now. */
  devices: readonly Device[] | "all" | undefined;
  quarantine: boolean;
}

/** Whatever happened while nobody listened is unknown. */
export const EVERYTHING: Changes = { visits: "all", devices: "all", quarantine: true };
/** Nothing changed. */
export const NOTHING: Changes = { visits: undefined, devices: undefined, quarantine: false };

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
  return { visits, devices, quarantine: a.quarantine || b.quarantine };
}

/** The rows with newer ones in the place of older; unknown ones at the end. */
export function replaced(rows: readonly Device[], newer: readonly Device[]): Device[] {
  const byId = new Map(rows.map((row) => [row.device, row]));
  for (const row of newer) byId.set(row.device, row);
  return [...byId.values()];
}
