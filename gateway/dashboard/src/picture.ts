/**
 * Pictures that a reader chooses, made fit for a screen before they are sent: a photograph of a
 * telephone has six times the pixels a screen shows.
 */

/** The longer side of what is sent: that of a kiosk's screen. */
const SIDE_MAX = 1920;
/** Of a photograph that had to be made smaller. */
const QUALITY = 0.88;

export interface Picture {
  /** `data:image/jpeg;base64,…` */
  url: string;
  width: number;
  height: number;
  /** Of the file, as it is sent. */
  bytes: number;
  /** Whether it was made smaller. */
  isReduced: boolean;
}

/** Why a file is no picture that can be sent. */
export class PictureError extends Error {
  override readonly name = "PictureError";
}

/** Reads a file; one that is too large is made smaller. */
export async function pictureOf(file: File, limits: { bytes: number; pixels: number }): Promise<Picture> {
  let decoded: ImageBitmap;
  try {
    decoded = await createImageBitmap(file);
  } catch {
    throw new PictureError(file.name);
  }
  try {
    const { width, height } = decoded;
    const isKind = ["image/jpeg", "image/png", "image/webp"].includes(file.type);
    const isFit = isKind && file.size <= limits.bytes && width * height <= limits.pixels && Math.max(width, height) <= SIDE_MAX;
    if (isFit) return { url: await dataUrl(file), width, height, bytes: file.size, isReduced: false };
    return await reduced(decoded);
  } finally {
    decoded.close();
  }
}

/** A picture the gateway has, to be sent again. */
export async function pictureAt(address: string): Promise<string> {
  const answer = await fetch(address);
  if (!answer.ok) throw new PictureError(address);
  return dataUrl(await answer.blob());
}

/** What follows the comma of a `data:` address. */
export function base64(url: string): string {
  return url.slice(url.indexOf(",") + 1);
}

async function reduced(decoded: ImageBitmap): Promise<Picture> {
  const scale = Math.min(1, SIDE_MAX / Math.max(decoded.width, decoded.height));
  const [width, height] = [Math.round(decoded.width * scale), Math.round(decoded.height * scale)];
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (context === null) throw new PictureError("canvas");
  // A screen is white: what is transparent becomes so, for JPEG knows no transparency.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(decoded, 0, 0, width, height);
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
  return { url: await dataUrl(blob), width, height, bytes: blob.size, isReduced: true };
}

function dataUrl(blob: Blob): Promise<string> {
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done(String(reader.result));
    reader.onerror = () => fail(new PictureError(String(reader.error)));
    reader.readAsDataURL(blob);
  });
}
