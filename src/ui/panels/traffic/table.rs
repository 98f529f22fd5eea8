//! The table itself: draws only the rows that are seen, and gives up columns where the window is narrow.

use egui::{Align, Color32, Key, Label, Layout, Modifiers, RichText, Role, Sense, StrokeKind, Ui, WidgetInfo};
use egui_extras::{Column, TableBuilder};

use crate::domain::RequestId;

use super::super::super::scene::Scene;
use super::super::super::theme::{colors, note, theme};
use super::row::Tone;
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
pub fn show(ui: &mut Ui, scene: &Scene<'_>, choice: &mut Choice, rows: &Rows<'_>) -> usize {
    let mut last = 0;
    let area = ui.available_rect_before_wrap();
    let mut ring = None;
    ui.spacing_mut().item_spacing.x = GAP;
    let moved = arrows(ui, choice, rows);
    let heads = fitting(ui.available_width());
    // the state has the longest texts that matter: it gets its room first; what a wide window has beyond goes to all columns
    let gaps: f32 = heads.iter().map(|_| GAP).sum();
    let widest = fixed(&heads) + STATE_WIDTH + MODEL_WIDEST;
    let stretch = ((ui.available_width() - gaps) / (widest - gaps)).max(1.0);
    let model = ui.available_width() - fixed(&heads) - STATE_WIDTH;

    // cells sense clicks but not the keyboard, or Tab would stop at each of them
    let mut table = TableBuilder::new(ui).id_salt("traffic").sense(Sense::CLICK).auto_shrink(false).animate_scrolling(false);
    table = table.cell_layout(Layout::left_to_right(Align::Center));
    if let Some(row) = moved {
        table = table.scroll_to_row(row, None);
    }
    for (_, head) in &heads {
        let width = match head.width {
            0.0 if head.name == MODEL => model.clamp(MODEL_WIDTH, MODEL_WIDEST) * stretch,
            0.0 => STATE_WIDTH * stretch,
            width => width * stretch,
        };
        table = table.column(Column::exact(width).clip(true));
    }
    let height = scene.density.row();
    table
        .header(height, |mut line| {
            for (_, head) in &heads {
                line.col(|ui| {
                    aligned(ui, head.right, |ui| {
                        let text = note(ui, head.name);
                        ui.label(text);
                    });
                });
            }
        })
        .body(|body| {
            body.rows(height, rows.len(), |mut line| {
                let Some(row) = rows.get(line.index()) else { return };
                last = last.max(line.index());
                let chosen = choice.id == Some(row.id());
                line.set_selected(chosen);
                let cells = row.cells(scene);
                for (at, head) in &heads {
                    let Some(cell) = cells.get(*at) else { continue };
                    line.col(|ui| {
                        aligned(ui, head.right, |ui| {
                            let label = ui.add(Label::new(RichText::new(&cell.text).color(color(ui, cell.tone))).truncate());
                            if label.hovered() {
                                let hover = row.hover(scene, *at);
                                if !hover.is_empty() {
                                    label.on_hover_text(hover);
                                }
                            }
                        });
                    });
                }
                let response = line.response();
                response.widget_info(|| WidgetInfo::selected(Role::Button, true, chosen, row.sentence(scene)));
                if response.clicked() {
                    *choice =
                        if chosen && choice.open { Choice::default() } else { Choice { id: Some(row.id()), open: true, by_key: false } };
                }
                if chosen && choice.by_key {
                    ring = Some(response.rect);
                }
            });
        });
    let under_head = area.top() + height + ui.spacing().item_spacing.y / 2.0;
    ui.painter().hline(area.x_range(), under_head, (1.0, Color32::from(colors(ui).line)));
    if let Some(row) = ring {
        // the scroll bar lies over the right end of a row
        let seen = area.with_min_y(area.top() + height).with_max_x(area.right() - theme().space.close);
        let painter = ui.painter().with_clip_rect(seen);
        painter.rect_stroke(
            row.intersect(seen).shrink(1.0),
            theme().size.radius,
            (1.5, Color32::from(colors(ui).accent)),
            StrokeKind::Inside,
        );
    }
    last
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

fn aligned(ui: &mut Ui, right: bool, content: impl FnOnce(&mut Ui)) {
    if right {
        ui.with_layout(Layout::right_to_left(Align::Center), content);
    } else {
        content(ui);
    }
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
