/** The page's colours as a canvas needs them: read once per theme, hatching drawn as a tile. */

/** A picture that fills an area by being repeated. */
export interface Tile {
  image: HTMLCanvasElement;
  repeat: "repeat";
}

export interface Paint {
  text3: string;
  text: string;
  line: string;
  surface: string;
  sunken: string;
  series: string;
  reference: string;
  gap: string;
  font: string;
  hatch: Tile;
  paleHatch: Tile;
}

export function readPaint(): Paint {
  const style = getComputedStyle(document.documentElement);
  const value = (name: string) => style.getPropertyValue(name).trim();
  const gap = value("--gap");
  return {
    text: value("--text"),
    text3: value("--text3"),
    line: value("--line"),
    surface: value("--surface"),
    sunken: value("--sunken"),
    series: value("--series"),
    reference: value("--reference"),
    gap,
    font: getComputedStyle(document.body).fontFamily,
    hatch: hatch(gap, value("--gap-tint"), 1),
    paleHatch: hatch(gap, value("--gap-tint"), 0.4),
  };
}

/** Diagonal lines on a tile that joins itself on all sides. */
function hatch(line: string, ground: string, alpha: number): Tile {
  const side = 8;
  const tile = document.createElement("canvas");
  tile.width = side;
  tile.height = side;
  const pen = tile.getContext("2d");
  if (pen === null) return { image: tile, repeat: "repeat" };
  pen.globalAlpha = alpha;
  pen.fillStyle = ground;
  pen.fillRect(0, 0, side, side);
  pen.strokeStyle = line;
  pen.lineWidth = 1.6;
  for (const shift of [-side, 0, side]) {
    pen.beginPath();
    pen.moveTo(shift - 1, side + 1);
    pen.lineTo(shift + side + 1, -1);
    pen.stroke();
  }
  return { image: tile, repeat: "repeat" };
}
