//! Draws egui's triangles on the CPU: no GPU, no system library, the same bytes on every machine.
//!
//! Triangles are filled in fixed point with the top-left rule, so that a shared edge is painted exactly once, and
//! blended as premultiplied colours in gamma space, which is what egui's own backends do.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::many_single_char_names,
    reason = "a rasteriser moves between pixels, fixed point and colours, all of them small"
)]

use std::array::from_fn;
use std::collections::BTreeMap;
use std::ops::Range;

use egui::epaint::{ClippedPrimitive, ImageData, ImageDelta, Primitive, Vertex};
use egui::{Pos2, TextureFilter, TextureId, TextureOptions, TextureWrapMode, TexturesDelta};
use egui_kittest::TestRenderer;
use image::RgbaImage;

/// Steps in a pixel.
const SUB: i64 = 256;

/// Remembers the textures; everything else is given with each picture.
#[derive(Default)]
pub(crate) struct CpuRenderer {
    textures: BTreeMap<TextureId, Texture>,
}

struct Texture {
    width: usize,
    height: usize,
    pixels: Vec<[f32; 4]>,
    options: TextureOptions,
}

/// Premultiplied colours from 0 to 255.
struct Canvas {
    width: i64,
    height: i64,
    pixels: Vec<[f32; 4]>,
}

impl TestRenderer for CpuRenderer {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        for (id, changes) in delta.set.drain() {
            for change in changes {
                self.change(id, &change);
            }
        }
        for id in delta.free.drain() {
            self.textures.remove(&id);
        }
    }

    fn render(&mut self, ctx: &egui::Context, output: &egui::FullOutput) -> Result<RgbaImage, String> {
        let scale = ctx.pixels_per_point();
        let size = ctx.content_rect().size() * scale;
        let (width, height) = (size.x.round() as u32, size.y.round() as u32);
        let mut canvas = Canvas::new(width, height);
        for primitive in ctx.tessellate(output.shapes.clone(), scale) {
            self.draw(&mut canvas, &primitive, scale)?;
        }
        RgbaImage::from_raw(width, height, canvas.bytes()).ok_or_else(|| "the canvas has another size".into())
    }
}

impl CpuRenderer {
    fn change(&mut self, id: TextureId, change: &ImageDelta) {
        let ImageData::Color(image) = &change.image;
        let pixels: Vec<[f32; 4]> = image.pixels.iter().map(|c| c.to_array().map(f32::from)).collect();
        let [width, height] = image.size;
        let Some([left, top]) = change.pos else {
            self.textures.insert(id, Texture { width, height, pixels, options: change.options });
            return;
        };
        let texture = self.textures.get_mut(&id).expect("a part of a texture comes after the whole");
        for (row, line) in pixels.chunks_exact(width).enumerate() {
            let start = (top + row) * texture.width + left;
            texture.pixels[start..start + width].copy_from_slice(line);
        }
    }

    fn draw(&self, canvas: &mut Canvas, primitive: &ClippedPrimitive, scale: f32) -> Result<(), String> {
        let Primitive::Mesh(mesh) = &primitive.primitive else { return Err("paint callbacks cannot be drawn on the CPU".into()) };
        let texture = self.textures.get(&mesh.texture_id).ok_or_else(|| format!("no texture {:?}", mesh.texture_id))?;
        let clip = primitive.clip_rect * scale;
        let edge = |v: f32, most: i64| (v.round() as i64).clamp(0, most);
        let clip = [
            edge(clip.min.x, canvas.width),
            edge(clip.min.y, canvas.height),
            edge(clip.max.x, canvas.width),
            edge(clip.max.y, canvas.height),
        ];
        for corners in mesh.indices.chunks_exact(3) {
            let corners = from_fn(|i| mesh.vertices[corners[i] as usize]);
            canvas.triangle(clip, texture, corners, scale);
        }
        Ok(())
    }
}

impl Canvas {
    fn new(width: u32, height: u32) -> Self {
        Self { width: width.into(), height: height.into(), pixels: vec![[0.0; 4]; (width * height) as usize] }
    }

    fn bytes(&self) -> Vec<u8> {
        self.pixels.iter().flat_map(|pixel| pixel.map(|v| v.round() as u8)).collect()
    }

    fn triangle(&mut self, clip: [i64; 4], texture: &Texture, mut corners: [Vertex; 3], scale: f32) {
        let fixed = |p: Pos2| [p.x, p.y].map(|v| (v * scale * SUB as f32).round() as i64);
        let mut at = corners.map(|corner| fixed(corner.pos));
        let area = match cross(at[0], at[1], at[2]) {
            0 => return,
            area if area < 0 => {
                corners.swap(1, 2);
                at.swap(1, 2);
                -area
            }
            area => area,
        };
        let span = |axis: usize, least: i64, most: i64| {
            let values = at.map(|p| p[axis]);
            let low = values.into_iter().min().unwrap_or(0).div_euclid(SUB);
            let high = values.into_iter().max().unwrap_or(0).div_euclid(SUB) + 1;
            low.max(least)..high.min(most)
        };
        let (columns, rows) = (span(0, clip[0], clip[2]), span(1, clip[1], clip[3]));
        let edges = from_fn(|i| Edge::new(at[(i + 1) % 3], at[(i + 2) % 3]));
        let paint = Paint { area: area as f32, corners: &corners, texture };
        let flat = paint.flat();
        for y in rows {
            let lines = edges.map(|edge| edge.row(y));
            let inside = lines.into_iter().fold(columns.clone(), |columns, line| line.clip(columns));
            for x in inside {
                let ink = flat.unwrap_or_else(|| paint.at(lines.map(|line| line.value(x))));
                self.blend(x, y, ink);
            }
        }
    }

    fn blend(&mut self, x: i64, y: i64, ink: [f32; 4]) {
        let pixel = &mut self.pixels[(y * self.width + x) as usize];
        let through = 1.0 - ink[3] / 255.0;
        *pixel = if through == 0.0 { ink } else { from_fn(|i| (ink[i] + pixel[i] * through).min(255.0)) };
    }
}

/// One side of a triangle: positive on the inside.
#[derive(Clone, Copy)]
struct Edge {
    from: [i64; 2],
    to: [i64; 2],
    /// An edge that is neither top nor left does not own the pixels on it.
    bias: i64,
}

/// An edge along the centres of one row of pixels: `start + step * x`.
#[derive(Clone, Copy)]
struct EdgeLine {
    start: i64,
    step: i64,
    bias: i64,
}

impl Edge {
    fn new(from: [i64; 2], to: [i64; 2]) -> Self {
        let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
        Self { from, to, bias: i64::from(dy < 0 || (dy == 0 && dx > 0)) - 1 }
    }

    fn row(&self, y: i64) -> EdgeLine {
        let start = cross(self.from, self.to, [SUB / 2, y * SUB + SUB / 2]);
        EdgeLine { start, step: (self.from[1] - self.to[1]) * SUB, bias: self.bias }
    }
}

impl EdgeLine {
    fn value(self, x: i64) -> i64 {
        self.start + self.step * x
    }

    /// The part of `columns` that is inside: `value + bias >= 0`.
    fn clip(self, columns: Range<i64>) -> Range<i64> {
        let start = self.start + self.bias;
        match self.step {
            0 if start < 0 => columns.start..columns.start,
            0 => columns,
            step if step > 0 => columns.start.max((-start).div_euclid(step) + i64::from((-start).rem_euclid(step) > 0))..columns.end,
            step => columns.start..columns.end.min(start.div_euclid(-step) + 1),
        }
    }
}

/// What a triangle is filled with.
struct Paint<'a> {
    area: f32,
    corners: &'a [Vertex; 3],
    texture: &'a Texture,
}

impl Paint<'_> {
    /// The one colour of it, if it has one.
    fn flat(&self) -> Option<[f32; 4]> {
        let [a, b, c] = self.corners;
        let one = a.uv == b.uv && a.uv == c.uv && a.color == b.color && a.color == c.color;
        one.then(|| mixed(a.color.to_array().map(f32::from), self.texture.sample(a.uv)))
    }

    /// The colour where the edges have these values.
    fn at(&self, edges: [i64; 3]) -> [f32; 4] {
        let [a, b, c] = edges.map(|edge| edge as f32 / self.area);
        let [p, q, r] = self.corners;
        let (pc, qc, rc) = (p.color.to_array(), q.color.to_array(), r.color.to_array());
        let ink = from_fn(|i| a * f32::from(pc[i]) + b * f32::from(qc[i]) + c * f32::from(rc[i]));
        let uv = Pos2::new(a * p.uv.x + b * q.uv.x + c * r.uv.x, a * p.uv.y + b * q.uv.y + c * r.uv.y);
        mixed(ink, self.texture.sample(uv))
    }
}

fn mixed(ink: [f32; 4], texel: [f32; 4]) -> [f32; 4] {
    from_fn(|i| ink[i] * texel[i] / 255.0)
}

impl Texture {
    fn sample(&self, uv: Pos2) -> [f32; 4] {
        let (x, y) = (uv.x * self.width as f32, uv.y * self.height as f32);
        if self.options.magnification == TextureFilter::Nearest {
            return self.texel(x.floor() as i64, y.floor() as i64);
        }
        let (x, y) = (x - 0.5, y - 0.5);
        let (across, down) = (x - x.floor(), y - y.floor());
        let (left, top) = (x.floor() as i64, y.floor() as i64);
        let mix = |a: [f32; 4], b: [f32; 4], t: f32| from_fn(|i| a[i] * (1.0 - t) + b[i] * t);
        let upper: [f32; 4] = mix(self.texel(left, top), self.texel(left + 1, top), across);
        let lower: [f32; 4] = mix(self.texel(left, top + 1), self.texel(left + 1, top + 1), across);
        mix(upper, lower, down)
    }

    fn texel(&self, x: i64, y: i64) -> [f32; 4] {
        let wrap = |i: i64, n: usize| {
            let n = n as i64;
            match self.options.wrap_mode {
                TextureWrapMode::ClampToEdge => i.clamp(0, n - 1),
                TextureWrapMode::Repeat => i.rem_euclid(n),
                TextureWrapMode::MirroredRepeat => {
                    let m = i.rem_euclid(2 * n);
                    m.min(2 * n - 1 - m)
                }
            }
        };
        self.pixels[(wrap(y, self.height) * self.width as i64 + wrap(x, self.width)) as usize]
    }
}

/// Twice the area of a triangle, positive if it turns clockwise on the screen.
fn cross(a: [i64; 2], b: [i64; 2], c: [i64; 2]) -> i64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}
