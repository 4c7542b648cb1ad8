//! Pictures as PNG: covers to look at, and noise to carry.

use anyhow::Context as _;
use rand::RngCore;

/// Pixels of a cover, as a bookseller shows it.
const COVER_WIDTH: u32 = 300;
const COVER_HEIGHT: u32 = 420;

/// Pixels of a line of noise.
const NOISE_WIDTH: u32 = 256;

/// Hills before an evening sky; which, the seed says.
pub(super) fn cover(seed: u64) -> anyhow::Result<Vec<u8>> {
    let [hue, steep, ..] = seed.to_le_bytes();
    let sky = [0_u8, 90, 170].map(|shift| 130 + hue.wrapping_add(shift) % 100);
    let mut pixels = Vec::with_capacity((COVER_WIDTH * COVER_HEIGHT * 3) as usize);
    for y in 0..COVER_HEIGHT {
        for x in 0..COVER_WIDTH {
            let hills = (1..4_u32).filter(|hill| y > ridge(*hill, x, f64::from(steep)));
            let shade = u8::try_from(hills.count() * 28).unwrap_or(u8::MAX);
            pixels.extend(sky.map(|colour| colour.saturating_sub(shade)));
        }
    }
    png(COVER_WIDTH, COVER_HEIGHT, png::Compression::Fast, &pixels)
}

/// Where a hill ends at the top.
fn ridge(hill: u32, x: u32, steep: f64) -> u32 {
    let wave = (f64::from(x) / (30.0 + 14.0 * f64::from(hill)) + steep * f64::from(hill)).sin();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the height of a cover"
    )]
    let lift = ((wave + 1.0) * 24.0) as u32;
    100 + 80 * hill - lift
}

/// A picture of noise of about so many bytes.
pub(super) fn noise(dice: &mut impl RngCore, bytes: u64) -> anyhow::Result<Vec<u8>> {
    let line = u64::from(NOISE_WIDTH) * 3 + 1;
    let height = u32::try_from((bytes / line).max(1)).context("a picture is too large")?;
    let mut pixels = vec![0; (NOISE_WIDTH * 3 * height) as usize];
    dice.fill_bytes(&mut pixels);
    png(
        NOISE_WIDTH,
        height,
        png::Compression::NoCompression,
        &pixels,
    )
}

fn png(
    width: u32,
    height: u32,
    compression: png::Compression,
    pixels: &[u8],
) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(compression);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}
