//! The table itself: draws only the rows that are seen, and gives up columns where the window is narrow.

use egui::style::ScrollAnimation;
use egui::{Color32, Key, Modifiers, Rangef, Rect, Role, ScrollArea, Sense, StrokeKind, TextStyle, Ui, WidgetInfo, pos2, vec2};

use crate::domain::RequestId;

use super::super::super::format;
use super::super::super::scene::Scene;
use super::super::super::theme::{colors, theme};
use super::super::super::widgets::line::Line;
use super::super::super::widgets::sort::{self, Order};
use super::row::{Cell, Row, Tone};
use super::rows::Rows;

/// The row that is chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Choice {
    /// Which request.
    pub id: Option<RequestId>,
    /// Whether its drawer is open.
    pub open: bool,
    /// The keyboard chose it: then a ring shows where it is.
    pub by_key: bool,
}

/// One column of [`Row::cells`].
struct Head {
    name: &'static str,
    /// In points; zero shares what is left.
    width: f32,
    right: bool,
    /// Which columns give way first: 1, then 2, ... and 0 never. The detail of a request holds them all.
    gives_way: u8,
}

impl Head {
    /// Its part of what a wide window has beyond the least.
    const fn takes(&self) -> f32 {
        if self.width == 0.0 {
            3.0
        } else if self.right {
            1.0
        } else {
            1.5
        }
    }
}

const fn text(name: &'static str, width: f32, gives_way: u8) -> Head {
    Head { name, width, right: false, gives_way }
}

const fn number(name: &'static str, width: f32, gives_way: u8) -> Head {
    Head { name, width, right: true, gives_way }
}

const HEADS: [Head; 13] = [
    text("Time", 54.0, 0),
    text("Client", 92.0, 0),
    text("Account", 76.0, 3),
    text(MODEL, 0.0, 0),
    text("State", 0.0, 0),
    number("Waited", 62.0, 9),
    number("Ran", 46.0, 8),
    number("In", 44.0, 5),
    number("Cached", 44.0, 1),
    number("Out", 44.0, 6),
    number("Cost", 56.0, 4),
    number("Tries", 28.0, 2),
    number("Status", 38.0, 7),
];

const MODEL: &str = "Model";

/// Room for "waiting #12 for OTPM until 14:05:13".
const STATE_WIDTH: f32 = 222.0;
const MODEL_WIDTH: f32 = 120.0;
const MODEL_WIDEST: f32 = 190.0;
const GAP: f32 = 10.0;

/// Draws the rows. A click chooses one and opens it; Up, Down, Page Up, Page Down, Home and End move the choice, Enter opens and
/// closes it. Answers with the last row that is seen.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, choice: &mut Choice, order: &mut Option<Order>, rows: &Rows<'_>) -> usize {
    let moved = arrows(ui, choice, rows);
    ui.spacing_mut().item_spacing.y = 0.0;
    let height = scene.density.row();
    let columns = Columns::fitting(ui.available_width());
    let (line, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    for (_, head, range) in &columns.0 {
        let rect = Rect::from_x_y_ranges(line.left() + range.min..=line.left() + range.max, line.y_range());
        sort::head(ui, rect, head.name, head.right, order);
    }
    ui.painter().hline(line.x_range(), line.bottom(), (1.0, Color32::from(colors(ui).line)));
    let mut last = 0;
    ScrollArea::vertical().id_salt("traffic").auto_shrink(false).animated(false).show_viewport(ui, |ui, seen| {
        ui.set_min_size(vec2(ui.available_width(), height * rows.len() as f32));
        let all = ui.min_rect();
        let place = |at: usize| Rect::from_min_size(pos2(all.left(), all.top() + height * at as f32), vec2(all.width(), height));
        if let Some(at) = moved {
            ui.scroll_to_rect_animation(place(at), None, ScrollAnimation::none());
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "places of rows")]
        let (first, end) = ((seen.min.y / height).floor() as usize, (seen.max.y / height).ceil() as usize);
        for at in first..end.min(rows.len()) {
            let Some(row) = rows.get(at) else { break };
            last = at;
            draw(ui, scene, choice, &columns, &row, place(at));
        }
    });
    last
}

/// One row is one widget: its cells are only painted, and only the one under the pointer is asked for its hover.
fn draw(ui: &Ui, scene: &Scene<'_>, choice: &mut Choice, columns: &Columns, row: &Row<'_>, rect: Rect) {
    let chosen = choice.id == Some(row.id());
    // it senses clicks but not the keyboard, or Tab would stop at each of them
    let response = ui.interact(rect, ui.scope_id().with(row.id()), Sense::CLICK);
    let cells = row.cells(scene);
    response.widget_info(|| WidgetInfo {
        current_text_value: Some(told(&cells)),
        ..WidgetInfo::selected(Role::Button, true, chosen, row.sentence(scene))
    });
    if response.clicked() {
        *choice = if chosen && choice.open { Choice::default() } else { Choice { id: Some(row.id()), open: true, by_key: false } };
    }
    let c = colors(ui);
    let ground = if chosen {
        Some(c.selected.into())
    } else if response.hovered() {
        Some(Color32::from(c.hover).gamma_multiply(0.6))
    } else {
        None
    };
    if let Some(color) = ground {
        ui.painter().rect_filled(rect.expand2(vec2(theme().space.tight, 0.0)), theme().size.radius, color);
    }
    let pointer = if response.hovered() { ui.input(|i| i.pointer.hover_pos()) } else { None };
    let font = TextStyle::Body.resolve(ui.style());
    for (at, head, range) in &columns.0 {
        let Some(cell) = cells.get(*at) else { continue };
        let cell_rect = Rect::from_x_y_ranges(rect.left() + range.min..=rect.left() + range.max, rect.y_range());
        let line = Line::new(ui, &cell.text, font.clone(), color(ui, cell.tone), range.span());
        if pointer.is_some_and(|at| cell_rect.contains(at)) {
            let whole = if line.is_cut() { cell.text.as_str() } else { "" };
            let more = row.hover(scene, *at);
            let texts: Vec<&str> = [whole, &more].into_iter().filter(|text| !text.is_empty()).collect();
            if !texts.is_empty() {
                ui.interact(cell_rect, response.id.with(*at), Sense::hover()).on_hover_text(texts.join("\n"));
            }
        }
        let left = if head.right { cell_rect.right() - line.width() } else { cell_rect.left() };
        line.paint(ui, pos2(left, rect.center().y));
    }
    if chosen && choice.by_key {
        // the scroll bar lies over the right end of a row
        let around = rect.with_max_x(rect.right() - theme().space.close).shrink(1.0);
        ui.painter().rect_stroke(around, theme().size.radius, (1.5, Color32::from(c.accent)), StrokeKind::Inside);
    }
}

/// The cells for a screen reader, those without a value left out.
fn told(cells: &[Cell]) -> String {
    let told = HEADS.iter().zip(cells).filter(|(_, cell)| !cell.text.is_empty() && cell.text != format::NONE);
    told.map(|(head, cell)| format!("{} {}", head.name, cell.text)).collect::<Vec<_>>().join(", ")
}

/// The columns that fit, with their places in a row's cells and on the screen.
struct Columns(Vec<(usize, &'static Head, Rangef)>);

impl Columns {
    /// The state has the longest texts that matter: it gets its room first. What a wide window has beyond goes to the texts most, and
    /// to the gaps between numbers.
    fn fitting(width: f32) -> Self {
        let heads = fitting(width);
        let fixed = fixed(&heads);
        let model = (width - fixed - STATE_WIDTH).clamp(MODEL_WIDTH, MODEL_WIDEST);
        let spare = (width - fixed - STATE_WIDTH - model).max(0.0);
        let shares: f32 = heads.iter().map(|(_, head)| head.takes()).sum();
        let mut x = 0.0;
        let place = |(at, head): (usize, &'static Head)| {
            let least = match head.width {
                0.0 if head.name == MODEL => model,
                0.0 => STATE_WIDTH,
                width => width,
            };
            let range = Rangef::new(x, x + least + spare * head.takes() / shares);
            x = range.max + GAP;
            (at, head, range)
        };
        Self(heads.into_iter().map(place).collect())
    }
}

/// The columns that fit, with their places in a row's cells.
fn fitting(width: f32) -> Vec<(usize, &'static Head)> {
    let mut heads: Vec<(usize, &'static Head)> = HEADS.iter().enumerate().collect();
    while fixed(&heads) + STATE_WIDTH + MODEL_WIDTH > width {
        let Some(first) = heads.iter().map(|(_, head)| head.gives_way).filter(|rank| *rank > 0).min() else { break };
        heads.retain(|(_, head)| head.gives_way != first);
    }
    heads
}

fn fixed(heads: &[(usize, &'static Head)]) -> f32 {
    heads.iter().map(|(_, head)| head.width + GAP).sum()
}

/// The keys, while no control has the keyboard. Answers with the row to scroll to.
fn arrows(ui: &Ui, choice: &mut Choice, rows: &Rows<'_>) -> Option<usize> {
    const PAGE: usize = 20;
    const KEYS: [Key; 6] = [Key::ArrowDown, Key::ArrowUp, Key::PageDown, Key::PageUp, Key::Home, Key::End];
    if ui.memory(|m| m.focused().is_some() || m.top_modal_layer().is_some()) {
        return None;
    }
    let pressed = |key| ui.input_mut(|i| i.consume_key(Modifiers::NONE, key));
    if choice.id.is_some() && pressed(Key::Enter) {
        choice.open = !choice.open;
    }
    let key = KEYS.into_iter().find(|key| pressed(*key))?;
    let at = choice.id.and_then(|id| rows.position(id));
    let end = rows.len().saturating_sub(1);
    let to = match (key, at) {
        (Key::ArrowDown, Some(at)) => at + 1,
        (Key::ArrowUp, Some(at)) => at.saturating_sub(1),
        (Key::PageDown, Some(at)) => at + PAGE,
        (Key::PageUp, Some(at)) => at.saturating_sub(PAGE),
        (Key::End, _) => end,
        (Key::Home | Key::ArrowDown | Key::PageDown, _) => 0,
        _ => return None,
    };
    (choice.id, choice.by_key) = (Some(rows.get(to.min(end))?.id()), true);
    Some(to.min(end))
}

fn color(ui: &Ui, tone: Tone) -> Color32 {
    let c = colors(ui);
    match tone {
        Tone::Strong => c.text,
        Tone::Plain => c.text_secondary,
        Tone::Faint => c.text_faint,
        Tone::Wait => c.binding,
        Tone::Run => c.accent,
        Tone::Bad => c.error,
    }
    .into()
}
