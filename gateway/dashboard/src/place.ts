/** The places of the page and their paths. */

/** The places there are. */
export type Place =
  | { page: "overview" }
  | { page: "devices" }
  | { page: "device"; device: string }
  | { page: "visits" }
  | { page: "quarantine" };

/** The place a path names; an unknown one is the overview. */
export function placeOf(path: string): Place {
  const [first, second] = path.split("/").filter((part) => part !== "");
  if (first === "devices") {
    return second === undefined
      ? { page: "devices" }
      : { page: "device", device: decodeURIComponent(second) };
  }
  if (first === "visits" || first === "quarantine") return { page: first };
  return { page: "overview" };
}

/** The path of a device's own page. */
export function devicePath(device: string): string {
  return `/devices/${encodeURIComponent(device)}`;
}
