//! The mark of the app as pixels, for the window and for `assets/icon.png`: three levels under one line.

use egui::{Color32, Rect, pos2, vec2};

use super::theme::theme;

/// The drawing on a grid of 16 by 16: left, top, width, height.
const BARS: [[f32; 4]; 4] = [[3.0, 3.2, 10.0, 1.4], [3.0, 8.8, 2.6, 4.2], [6.7, 6.0, 2.6, 7.0], [10.4, 7.4, 2.6, 5.6]];

/// How round the ground is, on the same grid.
const ROUND: f32 = 3.4;

/// Points looked at in each pixel, along each side.
const FINE: u8 = 4;

/// RGBA, not multiplied by alpha, row by row.
#[must_use]
pub fn rgba(side: u32) -> Vec<u8> {
    let unit = 16.0 / side as f32;
    let mut out = Vec::with_capacity((side * side * 4) as usize);
    for y in 0..side {
        for x in 0..side {
            out.extend(pixel(x as f32 * unit, y as f32 * unit, unit));
        }
    }
    out
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "means of bytes")]
fn pixel(x: f32, y: f32, unit: f32) -> [u8; 4] {
    let mut sum = [0.0_f32; 4];
    let fine = |step: u8| (f32::from(step) + 0.5) / f32::from(FINE) * unit;
    for across in 0..FINE {
        for down in 0..FINE {
            let found = at(x + fine(across), y + fine(down)).to_array().map(f32::from);
            let weight = found[3] / 255.0;
            sum = [sum[0] + found[0] * weight, sum[1] + found[1] * weight, sum[2] + found[2] * weight, sum[3] + found[3]];
        }
    }
    let seen = sum[3] / 255.0;
    let color = |total: f32| if seen > 0.0 { (total / seen).round() as u8 } else { 0 };
    [color(sum[0]), color(sum[1]), color(sum[2]), (sum[3] / f32::from(FINE * FINE)).round() as u8]
}

fn at(x: f32, y: f32) -> Color32 {
    let palette = theme().palette(true);
    let inside = |bar: [f32; 4]| Rect::from_min_size(pos2(bar[0], bar[1]), vec2(bar[2], bar[3])).contains(pos2(x, y));
    match BARS.into_iter().position(inside) {
        Some(0) => palette.binding.into(),
        Some(_) => palette.accent.into(),
        None if in_ground(x, y) => palette.panel.into(),
        None => Color32::TRANSPARENT,
    }
}

fn in_ground(x: f32, y: f32) -> bool {
    let beyond = |v: f32| (ROUND - v).max(v - (16.0 - ROUND)).max(0.0);
    beyond(x).hypot(beyond(y)) <= ROUND
}
