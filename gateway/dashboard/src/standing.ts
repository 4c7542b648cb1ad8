/** How a device stands: the one word shown for it. Worst first. */
import type { Device } from "./api.ts";

export type Standing = "conflict" | "offline" | "missing" | "catching" | "clock" | "unknown" | "never" | "online";

/** Worse ones first: the order in which devices are worth looking at. */
export const STANDINGS: readonly Standing[] = [
  "conflict",
  "offline",
  "missing",
  "clock",
  "unknown",
  "catching",
  "never",
  "online",
];

/** Fewer records than this on their way are the ordinary pace of a device, not catching up. */
const CATCHING_UP_FROM = 20;

/** The standing of a device. A device that was never heard is no fault yet. */
export function standingOf(device: Device): Standing {
  if (device.id_conflicts > 0) return "conflict";
  if (device.last_contact === null) return "never";
  if (device.link === "offline") return "offline";
  if (device.link === "unknown") return "unknown";
  if (device.open > 0) return "missing";
  if (device.waiting >= CATCHING_UP_FROM) return "catching";
  // A plain device measures no clock; one with an agent does within seconds.
  if (device.agent !== null && device.clock?.synced !== true) return "clock";
  return "online";
}
