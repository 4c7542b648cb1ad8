/** The visit chart as the chart library wants it told: bars, hatched holes, the strip below. */
import type { CustomSeriesOption } from "echarts/charts";
import type { EChartsCoreOption } from "echarts/core";
import type { Period } from "../band.ts";
import type { Paint } from "./paint.ts";

/** What the chart shows. */
export interface Picture {
  periods: readonly Period[];
  /** A label for each period. */
  labels: readonly string[];
  /** What the tooltip says of each period, line by line. */
  told: (period: Period) => string[];
  /** Over a hatched hole. */
  missing: string;
  isStill: boolean;
}

type CustomSeriesRenderItem = NonNullable<CustomSeriesOption["renderItem"]>;

/** Pixels below the plot: axis labels, then the strip. */
const STRIP_HEIGHT = 8;
const BELOW = 46;

export function optionsOf(picture: Picture, paint: Paint): EChartsCoreOption {
  const { periods, labels } = picture;
  const grid = { left: 44, right: 8, top: 22, bottom: BELOW };
  const axis = { type: "category", data: labels, axisTick: { show: false } };
  return {
    animation: !picture.isStill,
    animationDuration: 200,
    animationDurationUpdate: 200,
    textStyle: { fontFamily: paint.font, fontSize: 12 },
    grid: [grid, { ...grid, top: undefined, bottom: 8, height: STRIP_HEIGHT }],
    xAxis: [
      {
        ...axis,
        axisLine: { lineStyle: { color: paint.reference } },
        axisLabel: { color: paint.text3, fontSize: 12, hideOverlap: true },
      },
      { ...axis, gridIndex: 1, show: false },
    ],
    yAxis: [
      {
        type: "value",
        minInterval: 1,
        max: (value: { max: number }) => (value.max > 0 ? null : 10),
        splitNumber: 3,
        axisLabel: { color: paint.text3, fontSize: 12 },
        splitLine: { lineStyle: { color: paint.line } },
      },
      { type: "value", gridIndex: 1, show: false, min: 0, max: 1 },
    ],
    tooltip: {
      trigger: "axis",
      axisPointer: { type: "none" },
      backgroundColor: paint.surface,
      borderColor: paint.reference,
      textStyle: { color: paint.text, fontSize: 12 },
      transitionDuration: 0,
      // An element, not text: nothing a device sends is ever read as HTML.
      formatter: (hits: unknown) => tooltip(picture, hits),
    },
    series: [
      holes(periods, picture.missing, paint),
      bars(periods, paint),
      reference(periods, paint),
      strip(periods, paint),
    ],
  };
}

function bars(periods: readonly Period[], paint: Paint) {
  const whole = { color: paint.series, borderRadius: [2, 2, 0, 0] };
  const part = {
    ...whole,
    // The fill is thinned, the outline is not.
    color: `color-mix(in srgb, ${paint.series} 28%, ${paint.surface})`,
    borderColor: paint.series,
    borderWidth: 1.5,
    borderType: "dashed",
  };
  return {
    type: "bar",
    barWidth: "68%",
    barMaxWidth: 56,
    data: periods.map(({ visits, known }) => ({
      value: visits ?? "-",
      itemStyle: known === "full" || known === "closed" ? whole : part,
    })),
    emphasis: { disabled: true },
    z: 3,
  };
}

/** Before the bars, dashed and thin: what there was to compare with. A hole stays a hole. */
function reference(periods: readonly Period[], paint: Paint) {
  return {
    type: "line",
    data: periods.map(({ before }) => before ?? "-"),
    connectNulls: false,
    symbol: "none",
    silent: true,
    lineStyle: { color: paint.reference, width: 1.5, type: "dashed" },
    emphasis: { disabled: true },
    tooltip: { show: false },
    z: 4,
  };
}

/** Behind the bars: the periods that were not wholly seen. The first of a run is named. */
function holes(periods: readonly Period[], missing: string, paint: Paint) {
  const isHole = (index: number) => {
    const known = periods[index]?.known;
    return known === "missing" || known === "partial";
  };
  // Where the names of two holes would meet, the second goes without.
  let namedUntil = -Infinity;
  const renderItem: CustomSeriesRenderItem = (params, api) => {
    const index = params.dataIndex;
    if (index === 0) namedUntil = -Infinity;
    if (!isHole(index)) return null;
    const area = params.coordSys as unknown as { y: number; height: number };
    const [width = 0] = api.size?.([1, 0]) as number[];
    const [centre = 0] = api.coord([index, 0]);
    const shape = { x: centre - width / 2, y: area.y, width, height: area.height };
    const hole = { type: "rect", shape, style: { fill: paint.paleHatch }, silent: true };
    const isFirst = !isHole(index - 1);
    if (!isFirst) return hole as never;
    let run = 1;
    while (isHole(index + run)) run += 1;
    const middle = shape.x + (width * run) / 2;
    const half = widthOf(missing) / 2;
    if (middle - half < namedUntil) return hole as never;
    namedUntil = middle + half + 8;
    const name = {
      type: "text",
      silent: true,
      x: middle,
      y: area.y - 19,
      style: { text: missing, fill: paint.gap, align: "center", font: `600 12px ${paint.font}` },
    };
    return { type: "group", children: [hole, name] } as never;
  };
  // On the axis: what has no height is no measure of the scale.
  const data = periods.map((_, index) => [index, 0]);
  return { type: "custom", renderItem, data, silent: true, z: 1, tooltip: { show: false } };
}

/** About as wide as a text of 12 pixels is drawn. */
function widthOf(text: string): number {
  return [...text].reduce((sum, sign) => sum + (sign.charCodeAt(0) > 0x2000 ? 12 : 7), 0);
}

/** One cell a period: grey full, violet hatched not whole, pale to come. */
function strip(periods: readonly Period[], paint: Paint) {
  const renderItem: CustomSeriesRenderItem = (params, api) => {
    const period = periods[params.dataIndex];
    if (period === undefined || period.known === "closed") return null;
    const area = params.coordSys as unknown as { y: number; height: number };
    const [width = 0] = api.size?.([1, 0]) as number[];
    const [centre = 0] = api.coord([params.dataIndex, 0]);
    const gap = width > 6 ? 1 : 0;
    const shape = { x: centre - width / 2 + gap, y: area.y, width: width - 2 * gap, height: area.height, r: 1.5 };
    return { type: "rect", shape, style: cell(period, paint), silent: true } as never;
  };
  return {
    type: "custom",
    renderItem,
    xAxisIndex: 1,
    yAxisIndex: 1,
    data: periods.map((_, index) => index),
    silent: true,
    tooltip: { show: false },
  };
}

function cell({ known }: Period, paint: Paint) {
  switch (known) {
    case "full":
      return { fill: paint.reference, opacity: 0.65 };
    case "running":
      return { fill: paint.reference, opacity: 0.35 };
    case "partial":
    case "missing":
      return { fill: paint.hatch, stroke: paint.gap, lineWidth: 1 };
    case "closed":
    case "future":
      return { fill: paint.sunken };
  }
}

function tooltip(picture: Picture, hits: unknown): HTMLElement {
  const box = document.createElement("div");
  const index = Array.isArray(hits) ? (hits[0] as { dataIndex?: number } | undefined)?.dataIndex : undefined;
  const period = index === undefined ? undefined : picture.periods[index];
  for (const line of period === undefined ? [] : picture.told(period)) {
    const row = document.createElement("div");
    row.textContent = line;
    box.append(row);
  }
  return box;
}
