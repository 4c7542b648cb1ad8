import assert from "node:assert/strict";
import { test } from "node:test";
import { BarChart, CustomChart, LineChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import type { Period } from "../band.ts";
import { optionsOf } from "./options.ts";
import type { Paint } from "./paint.ts";

use([BarChart, CustomChart, LineChart, GridComponent, TooltipComponent, SVGRenderer]);

const tile = { image: {} as HTMLCanvasElement, repeat: "repeat" } as const;
const paint: Paint = {
  text: "#000", text3: "#333", line: "#ccc", surface: "#fff", sunken: "#eee", series: "#00f",
  reference: "#888", gap: "#808", font: "sans-serif", hatch: tile, paleHatch: tile,
};

/** The numbers beside the plot of a day with so many in one hour. */
function scale(visits: number): number[] {
  const hours = Array.from({ length: 24 }, (_, hour): Period => ({
    start: hour, end: hour + 1, known: "full", visits: hour === 12 ? visits : 0,
  } as unknown as Period));
  const picture = {
    periods: hours, labels: hours.map(() => "h"), told: () => [], missing: "?", isStill: true,
  };
  const chart = init(null, null, { renderer: "svg", ssr: true, width: 800, height: 300 });
  chart.setOption(optionsOf(picture, paint));
  const drawn = chart.renderToSVGString();
  chart.dispose();
  return [...drawn.matchAll(/<text[^>]*>(\d+)<\/text>/g)].map((found) => Number(found[1]));
}

test("the scale follows what was counted, however many periods there are", () => {
  assert.ok(Math.max(...scale(3)) <= 4, `${scale(3)}`);
  assert.ok(Math.max(...scale(30)) >= 30);
});

test("nothing counted has a scale all the same", () => {
  assert.deepEqual(Math.max(...scale(0)), 10);
});
