//! How full a bucket was over the last minutes, as a small curve. The top of the room is the limit.

use egui::epaint::Mesh;
use egui::{Color32, Rect, Shape, Stroke, Ui, pos2};

use crate::journal::Trend;

use super::super::theme::colors;

/// Draws the curve into a rectangle, from five minutes ago at the left edge to now at the right.
pub fn paint(ui: &Ui, rect: Rect, points: &[[f32; 2]], stopped: bool) {
    if !ui.is_rect_visible(rect) {
        return;
    }
    let c = colors(ui);
    let color = Color32::from(if stopped { c.error } else { c.used });
    let painter = ui.painter().with_clip_rect(rect.expand(1.0).intersect(ui.clip_rect()));
    painter.hline(rect.x_range(), rect.bottom(), Stroke::new(1.0, Color32::from(c.line_strong)));
    let place = |[x, y]: [f32; 2]| pos2(rect.left() + rect.width() * x, rect.bottom() - rect.height() * y);
    let line: Vec<_> = points.iter().copied().map(place).collect();
    painter.add(Shape::mesh(below(&line, rect.bottom(), color.gamma_multiply(0.25))));
    painter.add(Shape::line(line, Stroke::new(1.25, color)));
}

/// The area between the curve and the ground: a strip of triangles, because it is not convex.
fn below(line: &[egui::Pos2], ground: f32, color: Color32) -> Mesh {
    let mut mesh = Mesh::default();
    for point in line {
        mesh.colored_vertex(*point, color);
        mesh.colored_vertex(pos2(point.x, ground), color);
    }
    for at in (0..mesh.vertices.len()).step_by(2).take(line.len().saturating_sub(1)) {
        let Ok(at) = u32::try_from(at) else { break };
        mesh.add_triangle(at, at + 1, at + 2);
        mesh.add_triangle(at + 1, at + 2, at + 3);
    }
    mesh
}

/// The curve in words.
#[must_use]
pub fn sentence(trend: Option<&Trend>) -> String {
    trend.map_or_else(String::new, |trend| format!("At most {:.0}\u{202f}% in the last 5 min", trend.peak() * 100.0))
}
