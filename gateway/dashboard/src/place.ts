/** The places of the page and their paths. */

/** The places there are. */
export type Place =
  | { page: "overview" }
  | { page: "devices" }
  | { page: "device"; device: string }
  | { page: "visits" }
  | { page: "loans" }
  | { page: "bus" }
  | { page: "conflicts" }
  | { page: "notices" }
  | { page: "releases" }
  | { page: "making" }
  | { page: "rollouts" }
  | { page: "quarantine" }
  | { page: "tokens" }
  | { page: "audit" }
  | { page: "sign-in" };

/** The place a path names; an unknown one is the overview. */
export function placeOf(path: string): Place {
  const [first, second] = path.split("/").filter((part) => part !== "");
  if (first === "devices") {
    return second === undefined
      ? { page: "devices" }
      : { page: "device", device: decodeURIComponent(second) };
  }
  if (first === "releases" && second === "new") return { page: "making" };
  for (const page of ["visits", "loans", "bus", "conflicts", "notices", "releases", "rollouts", "quarantine", "tokens", "audit", "sign-in"] as const) {
    if (first === page) return { page };
  }
  return { page: "overview" };
}

/** The path of a device's own page. */
export function devicePath(device: string): string {
  return `/devices/${encodeURIComponent(device)}`;
}
