/** Made-up answers of the API for the claims beside the sources. */
import type { Device } from "./api.ts";

/** A device that is well, but for what is given. */
export function aDevice(given: Partial<Device> = {}): Device {
  return {
    device: "gate-1",
    name: "主馆北门",
    kind: "gate",
    site: "main",
    enabled: true,
    link: "online",
    since: "2026-11-04T00:00:00Z",
    last_contact: "2026-11-04T06:31:00Z",
    ended: null,
    agent: "lujiang-agent 0.1.0",
    refused: 0,
    last_refusal: null,
    clock: { time: "2026-11-04T06:00:00Z", error_ms: 4, synced: true },
    waiting: 0,
    open: 0,
    lost: 0,
    quarantined: 0,
    id_conflicts: 0,
    last_fact: "2026-11-04T06:31:00Z",
    alarms: [],
    ...given,
  };
}
