//! The bar of one bucket: taken, held, kept back, and how much is left.

use egui::{Color32, Painter, Rect, Sense, Shape, Stroke, Ui, pos2, vec2};

use crate::domain::view::BucketView;

use super::super::theme::{colors, theme};

/// Shares of a bucket's capacity, from 0 to 1, that lie one after the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    /// Taken and settled.
    pub used: f32,
    /// Reserved by requests in flight.
    pub held: f32,
    /// Neither taken nor offered: what the limiter keeps back.
    pub guard: f32,
}

impl Shares {
    /// Of a bucket. Debt fills the bar and no more.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "shares to draw")]
    pub fn of(bucket: &BucketView) -> Self {
        if bucket.capacity == 0 {
            return Self { used: 1.0, held: 0.0, guard: 0.0 };
        }
        let share = |n: u64| (n as f64 / bucket.capacity as f64) as f32;
        let held = share(bucket.held).min(1.0);
        let used = share(bucket.used.saturating_sub(bucket.held)).min(1.0 - held);
        let offered = share(u64::try_from(bucket.remaining).unwrap_or(0));
        Self { used, held, guard: (1.0 - used - held - offered).max(0.0) }
    }
}

/// Draws the bar of a bucket over the whole width that is left.
pub fn show(ui: &mut Ui, bucket: &BucketView) {
    bar(ui, Shares::of(bucket), bucket.frozen_until.is_some());
}

/// Draws a bar over the whole width that is left; `stopped` if nothing goes on.
pub fn bar(ui: &mut Ui, shares: Shares, stopped: bool) {
    let size = vec2(ui.available_width(), theme().size.bar);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    if !ui.is_rect_visible(rect) {
        return;
    }
    let c = colors(ui);
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let span = |from: f32, to: f32| {
        Rect::from_x_y_ranges(rect.left() + rect.width() * from..=rect.left() + rect.width() * to.min(1.0), rect.y_range())
    };
    let (used, held) = (shares.used, shares.used + shares.held);
    painter.rect_filled(rect, 2.0, Color32::from(c.line));
    painter.rect_filled(span(0.0, used), 2.0, Color32::from(if stopped { c.error } else { c.used }));
    hatch(&painter, span(used, held), c.held.into());
    if shares.guard > 0.0 {
        let edge = rect.right() - rect.width() * shares.guard;
        painter.line_segment([pos2(edge, rect.top()), pos2(edge, rect.bottom())], Stroke::new(1.5, Color32::from(c.guard)));
    }
}

/// Slanted lines: room that is spoken for but not yet used.
fn hatch(painter: &Painter, rect: Rect, color: Color32) {
    if rect.width() < 0.5 {
        return;
    }
    let inside = painter.with_clip_rect(rect.intersect(painter.clip_rect()));
    inside.rect_filled(rect, 0.0, color.gamma_multiply(0.35));
    let slant = rect.height();
    let mut x = rect.left() - slant;
    while x < rect.right() {
        inside.add(Shape::line_segment([pos2(x, rect.bottom()), pos2(x + slant, rect.top())], Stroke::new(1.5, color)));
        x += 4.0;
    }
}
