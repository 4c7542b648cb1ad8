/** The range and the unit the address asks for, in the library's time: pages of figures share it. */
import type { Bucket } from "./api.ts";
import { desk } from "./desk.svelte.ts";
import { bestBucket, bucketsFor, rangeOf, RANGES, type Range, type RangeName } from "./range.ts";
import { route } from "./route.svelte.ts";
import { dayStart, isoDate } from "./time.ts";

export class AskedRange {
  readonly today: number = $derived(dayStart(desk.now, desk.zone));
  readonly name: RangeName = $derived(RANGES.find((known) => known === route.query.get("range")) ?? "today");
  readonly site: string = $derived(route.query.get("site") ?? "");
  readonly first: string = $derived(route.query.get("from") ?? isoDate(this.today, desk.zone));
  readonly last: string = $derived(route.query.get("to") ?? isoDate(this.today, desk.zone));
  readonly range: Range | undefined = $derived(
    rangeOf(this.name, this.today, desk.zone, { first: this.first, last: this.last }),
  );
  readonly offered: Bucket[] = $derived(this.range ? bucketsFor(this.range) : []);
  readonly unit: Bucket = $derived.by(() => {
    const asked = this.offered.find((bucket) => bucket === route.query.get("bucket"));
    return asked ?? (this.range ? bestBucket(this.range) : "day");
  });
}
