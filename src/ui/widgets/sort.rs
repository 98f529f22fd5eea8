//! The order of a table that the user chose: by which column and which way round, and the heads that choose it.

use std::cmp::Ordering;

use egui::{Color32, FontId, Rect, Role, Sense, Shape, TextStyle, Ui, WidgetInfo, pos2, vec2};
use serde::{Deserialize, Serialize};

use super::super::theme::{colors, theme};
use super::line::Line;

/// By which column a table is sorted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The head of the column.
    pub by: String,
    /// The greatest first.
    pub falling: bool,
}

/// What a row is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank<'a> {
    /// A count, an amount, a moment.
    Number(u64),
    /// A name.
    Text(&'a str),
}

impl Order {
    /// Which of two rows comes first. One without a value comes last, whichever way round.
    #[must_use]
    pub fn compare(&self, a: Option<Rank<'_>>, b: Option<Rank<'_>>) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) if self.falling => b.cmp(&a),
            (Some(a), Some(b)) => a.cmp(&b),
            (a, b) => a.is_none().cmp(&b.is_none()),
        }
    }

    /// Sorts rows that have no order of their own to keep but the one they come in.
    pub fn sort<T>(&self, rows: &mut [T], rank: impl for<'a> Fn(&'a T, &str) -> Option<Rank<'a>>) {
        rows.sort_by(|a, b| self.compare(rank(a, &self.by), rank(b, &self.by)));
    }
}

/// The head of a column as a button, into `rect`. Numbers come greatest first, texts from A on; a second click turns that round, a third
/// gives the table its own order back.
pub fn head(ui: &Ui, rect: Rect, name: &str, number: bool, order: &mut Option<Order>) {
    const ARROW: f32 = 9.0;
    let sorted = order.as_ref().filter(|order| order.by == name).map(|order| order.falling);
    let response = ui.interact(rect, ui.scope_id().with(("head", name)), Sense::click());
    response.widget_info(|| {
        let way = match sorted {
            None => "",
            Some(true) => ", falling",
            Some(false) => ", rising",
        };
        WidgetInfo::labeled(Role::Button, true, format!("{name}{way}"))
    });
    if response.clicked() {
        *order = match sorted {
            None => Some(Order { by: name.to_owned(), falling: number }),
            Some(falling) if falling == number => Some(Order { by: name.to_owned(), falling: !number }),
            Some(_) => None,
        };
    }
    let c = colors(ui);
    let color = Color32::from(if sorted.is_some() || response.hovered() || response.has_focus() { c.text } else { c.text_faint });
    let font: FontId = TextStyle::Small.resolve(ui.style());
    let room = if sorted.is_some() { rect.width() - ARROW } else { rect.width() };
    let text = Line::new(ui, name, font, color, room);
    let width = text.width();
    let left = if number { rect.right() - width } else { rect.left() };
    text.paint(ui, pos2(left, rect.center().y));
    if let Some(falling) = sorted {
        let x = if number { left - ARROW / 2.0 } else { left + width + ARROW / 2.0 + 1.0 };
        arrow(ui, pos2(x, rect.center().y), falling, color);
    }
    if response.has_focus() {
        let around = rect.expand2(vec2(theme().space.hair, -theme().space.hair));
        ui.painter().rect_stroke(around, theme().size.radius, (1.5, Color32::from(c.accent)), egui::StrokeKind::Inside);
    }
    response.on_hover_text("Sort by it");
}

fn arrow(ui: &Ui, center: egui::Pos2, falling: bool, color: Color32) {
    const SIDE: f32 = 2.8;
    let tip = if falling { SIDE } else { -SIDE };
    let points = [vec2(-SIDE, -tip * 0.6), vec2(SIDE, -tip * 0.6), vec2(0.0, tip * 0.6)];
    ui.painter().add(Shape::convex_polygon(points.map(|at| center + at).to_vec(), color, egui::Stroke::NONE));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_value_comes_last_either_way() {
        for (falling, expect) in [(false, ["a", "b", "c", "none", "neither"]), (true, ["c", "b", "a", "none", "neither"])] {
            let mut rows = [("b", Some(2)), ("none", None), ("c", Some(10)), ("neither", None), ("a", Some(1))];
            let order = Order { by: "n".into(), falling };
            order.sort(&mut rows, |row, by| row.1.filter(|_| by == "n").map(Rank::Number));
            assert_eq!(rows.map(|row| row.0), expect);
        }
        let by_text = |order: Ordering, falling| {
            let found = Order { by: String::new(), falling }.compare(Some(Rank::Text("a")), Some(Rank::Text("b")));
            assert_eq!(found, order);
        };
        by_text(Ordering::Less, false);
        by_text(Ordering::Greater, true);
    }
}
