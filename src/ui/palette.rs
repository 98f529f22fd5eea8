//! The command palette: everything that can be done, found by typing a part of it.

use egui::{Align2, Color32, Context, Id, Key, Modal, Modifiers, RichText, Role, ScrollArea, Sense, TextEdit, Ui, WidgetInfo, vec2};

use crate::domain::view::ModelsView;

use super::intent::Intent;
use super::panels::traffic::row::words;
use super::scene::Scene;
use super::state::{Density, PanelId, ThemeChoice};
use super::theme::{colors, faint, note, theme};

/// In points.
const HEIGHT: f32 = 400.0;

/// What the palette keeps while it is open.
#[derive(Debug, Default)]
pub struct Palette {
    open: bool,
    text: String,
    chosen: usize,
}

/// One thing that can be done.
struct Entry {
    name: String,
    /// Its key, or what kind of thing it is.
    hint: String,
    intent: Intent,
}

impl Palette {
    /// Opens it empty, or closes it.
    pub fn toggle(&mut self) {
        *self = Self { open: !self.open, ..Self::default() };
    }

    /// Whether it is open.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open
    }
}

/// Draws it if it is open; answers with what was chosen.
pub fn show(ctx: &Context, scene: &Scene<'_>, catalogue: Option<&ModelsView>, palette: &mut Palette) -> Option<Intent> {
    if !palette.open {
        return None;
    }
    let mut chosen = None;
    let frame = egui::Frame::window(&ctx.global_style()).inner_margin(10);
    let modal = Modal::new(Id::unique("palette")).frame(frame).show(ctx, |ui| {
        ui.set_width(theme().size.dialog);
        ui.set_min_height(HEIGHT); // or it would move while one types
        chosen = content(ui, scene, catalogue, palette);
    });
    if chosen.is_some() || modal.should_close() {
        palette.open = false;
    }
    chosen
}

fn content(ui: &mut Ui, scene: &Scene<'_>, catalogue: Option<&ModelsView>, palette: &mut Palette) -> Option<Intent> {
    let pressed = |key| ui.input_mut(|i| i.consume_key(Modifiers::NONE, key));
    let (down, up, enter) = (pressed(Key::ArrowDown), pressed(Key::ArrowUp), pressed(Key::Enter));
    let field = TextEdit::singleline(&mut palette.text).hint_text("Go to a panel, or do something…").desired_width(f32::INFINITY);
    let field = ui.add(field.align(Align2::LEFT_CENTER)).accessible_name("Command");
    field.request_focus();
    let words = words(&palette.text);
    let fits = |entry: &Entry| words.iter().all(|word| entry.name.to_lowercase().contains(word.as_str()));
    // all names of models at once would be a catalogue, which has a panel
    let models = catalogue.filter(|_| !words.is_empty()).into_iter().flat_map(models);
    let mut entries: Vec<Entry> = entries(scene).into_iter().chain(models).filter(fits).collect();
    if field.changed() {
        palette.chosen = 0;
    }
    let last = entries.len().saturating_sub(1);
    palette.chosen = (palette.chosen + usize::from(down)).saturating_sub(usize::from(up)).min(last);
    ui.add_space(theme().space.tight);
    if entries.is_empty() {
        let text = faint(ui, "Nothing is called that.");
        ui.label(text);
        return None;
    }
    let mut act = enter.then_some(palette.chosen);
    ScrollArea::vertical().max_height(HEIGHT - theme().size.control * 1.5).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for (at, entry) in entries.iter().enumerate() {
            if line(ui, entry, at == palette.chosen, down || up) {
                act = Some(at);
            }
        }
    });
    act.map(|at| entries.swap_remove(at).intent)
}

fn line(ui: &mut Ui, entry: &Entry, chosen: bool, moved: bool) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), theme().size.control + 2.0), Sense::CLICK);
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, chosen, &entry.name));
    let c = colors(ui);
    if chosen || response.hovered() {
        let fill = if chosen { c.selected } else { c.hover };
        ui.painter().rect_filled(rect, theme().size.radius, Color32::from(fill));
    }
    if chosen && moved {
        response.scroll_to_me(None);
    }
    let mut inside = ui.new_child(egui::UiBuilder::new().max_rect(rect.shrink2(vec2(theme().space.close, 0.0))));
    inside.horizontal_centered(|ui| {
        ui.label(RichText::new(&entry.name).color(c.text));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let hint = note(ui, &entry.hint);
            ui.label(hint);
        });
    });
    response.clicked()
}

/// Everything, panels first.
fn entries(scene: &Scene<'_>) -> Vec<Entry> {
    let entry = |name: &str, hint: &str, intent| Entry { name: name.into(), hint: hint.into(), intent };
    let panels = PanelId::ALL.into_iter().zip(1..);
    let mut all: Vec<Entry> = panels.map(|(panel, key)| entry(panel.title(), &key.to_string(), Intent::Go(panel))).collect();
    all.extend([
        entry("Filter the traffic", "Ctrl+F", Intent::FilterTraffic(None)),
        entry("Explain an error…", "", Intent::OpenExplain),
        entry("Add a key…", "", Intent::EnterKey),
        entry("Export the history…", "", Intent::OpenExport),
        entry("Scan a folder for model names…", "", Intent::OpenScan),
        entry("New batch…", "", Intent::OpenNewBatch),
        entry("Budgets, limits, routes and names…", "", Intent::OpenRules),
    ]);
    for view in scene.view.accounts.iter() {
        let (id, label) = (view.account.id, &view.account.label);
        all.extend([
            entry(&format!("Traffic of {label}"), "account", Intent::FilterTraffic(Some(label.clone()))),
            entry(&format!("Limits of {label}…"), "account", Intent::ShowLimits(id)),
            entry(&format!("Probe {label}"), "account", Intent::Probe(id)),
        ]);
    }
    for bucket in scene.view.buckets.iter().filter(|bucket| bucket.binding) {
        all.push(entry(&format!("History of {}", scene.bucket(&bucket.key)), "limit", Intent::ShowBucket(bucket.key.clone())));
    }
    all.extend([
        entry("Dark theme", "look", Intent::SetTheme(ThemeChoice::Dark)),
        entry("Light theme", "look", Intent::SetTheme(ThemeChoice::Light)),
        entry("Theme of the desktop", "look", Intent::SetTheme(ThemeChoice::System)),
        entry("Compact tables", "look", Intent::SetDensity(Density::Compact)),
        entry("Comfortable tables", "look", Intent::SetDensity(Density::Comfortable)),
        entry("Quit Tierline and its gateway", "", Intent::Quit),
    ]);
    all
}

fn models(catalogue: &ModelsView) -> impl Iterator<Item = Entry> {
    let entry = |id: &String| Entry { name: format!("Model {id}"), hint: "catalogue".into(), intent: Intent::ShowModel(id.clone()) };
    catalogue.models.iter().map(move |model| entry(&model.id))
}
