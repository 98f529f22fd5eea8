//! Keys and what hangs on them: the table, the forms, local tokens, and how to connect a client.

pub mod add;
pub mod address;
pub mod connect;
pub mod limits;
pub mod probe;
pub mod remove;
pub mod reported;
pub mod rules;
pub mod tokens;

use egui::{Align, Label, Layout, RichText, ScrollArea, Sense, Ui, UiBuilder};

use crate::domain::command::ProbeReport;
use crate::domain::snippet::Snippet;
use crate::domain::{AccountId, Provider, ReportSum, Secret};
use crate::journal::live::AccountView;

use super::super::format;
use super::super::intent::Intent;
use super::super::scene::Scene;
use super::super::slot::Slot;
use super::super::theme::{colors, faint, mono, note, theme};
use super::super::widgets::dialog::primary;
use super::super::widgets::grid::{Cells, Column, Grid};
use super::super::widgets::icon::Icon;
use super::super::widgets::sort::{Order, Rank};
use super::super::widgets::{button, page, problem};

/// What the panel keeps between frames.
#[derive(Debug, Default)]
pub struct AccountsState {
    /// By which column the accounts are sorted; in the order they were added, if `None`.
    pub order: Option<Order>,
    /// The form for a new key.
    pub add: add::AddState,
    /// The form for another base URL.
    pub address: address::AddressState,
    /// The user's own ceilings.
    pub limits: limits::LimitsState,
    /// Which account is about to be removed.
    pub removing: Option<AccountId>,
    /// Whether the removal worked.
    pub removed: Slot<()>,
    /// What the last probe found.
    pub probe: Slot<ProbeReport>,
    /// Whether the import worked.
    pub imported: Slot<()>,
    /// The name of a token to be made.
    pub token_name: String,
    /// The token that was made. It is shown once.
    pub token: Slot<Secret>,
    /// Whether the last token was revoked.
    pub revoked: Slot<()>,
    /// What was imported of usage reports.
    pub reports: Slot<Vec<ReportSum>>,
    /// Which snippet is shown, for which provider.
    pub snippet: Snippet,
    /// For which provider it is shown; the first account's if `None`.
    pub snippet_for: Option<Provider>,
}

impl AccountsState {
    /// Takes in answers that came.
    pub fn settle(&mut self) {
        self.add.settle();
        self.address.settle();
        self.limits.saved.poll();
        if self.removed.poll() && self.removed.problem().is_none() {
            self.removing = None;
        }
        self.probe.poll();
        self.imported.poll();
        if self.token.poll() && self.token.problem().is_none() {
            self.token_name.clear();
        }
        self.revoked.poll();
        self.reports.poll();
    }
}

const COLUMNS: [Column; 10] = [
    Column::rest("Account"),
    Column::text("Provider", 72.0),
    Column::rest("Base URL").gives_way(6),
    Column::text("Fingerprint", 96.0).gives_way(1),
    Column::text("Scope", 142.0).gives_way(4),
    Column::text("Shares with", 76.0).gives_way(2),
    Column::text("State", 116.0),
    Column::text("Tier", 56.0).gives_way(3),
    Column::number("Probe costs", 68.0).gives_way(5),
    Column::number("", 232.0),
];

/// Draws the panel.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, state: &mut AccountsState) -> Option<Intent> {
    let mut intent = page::header(ui, "Accounts", |ui| header(ui, scene, state));
    page::rule(ui);
    let inner = ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let table = table(ui, scene, state);
        let import = import_result(ui, state);
        probe::show(ui, scene, &mut state.probe);
        if let Some(account) = rules::show(ui, scene) {
            state.limits.open_for(account);
        }
        reported::show(ui, scene, &state.reports);
        ui.add_space(theme().space.apart);
        let below = below(ui, scene, state);
        table.or(import).or(below)
    });
    intent = inner.inner.or(intent);
    if matches!(state.reports, Slot::Idle) && !scene.view.accounts.is_empty() {
        intent = intent.or(Some(Intent::LoadReports));
    }
    intent = add::show(ui.ctx(), scene, &mut state.add).or(intent);
    intent = address::show(ui.ctx(), scene, &mut state.address).or(intent);
    intent = limits::show(ui.ctx(), scene, &mut state.limits).or(intent);
    remove::show(ui.ctx(), scene, state).or(intent)
}

fn header(ui: &mut Ui, scene: &Scene<'_>, state: &mut AccountsState) -> Option<Intent> {
    if primary(ui, "Add a key…") {
        state.add.open();
    }
    let found: Vec<String> = scene.view.found_keys.iter().filter(|k| !k.known).map(|k| k.variable.clone()).collect();
    if found.is_empty() {
        return None;
    }
    let text = if found.len() == 1 { "Import 1 found key".to_owned() } else { format!("Import {} found keys", found.len()) };
    let clicked = ui.add_enabled(!state.imported.waiting(), egui::Button::new(text)).on_hover_text(found.join("\n")).clicked();
    clicked.then_some(Intent::ImportKeys(found))
}

fn table(ui: &mut Ui, scene: &Scene<'_>, state: &mut AccountsState) -> Option<Intent> {
    if scene.view.accounts.is_empty() {
        page::empty(ui, Icon::Accounts, "No account yet", "An account is a key and where its requests go.", |_| ());
        return None;
    }
    let mut intent = None;
    let grid = Grid::new(ui, &COLUMNS, scene.density.row() + 4.0);
    grid.sorting_head(ui, &mut state.order);
    let mut accounts: Vec<&AccountView> = scene.view.accounts.iter().collect();
    if let Some(order) = &state.order {
        accounts.sort_by(|a, b| order.compare(rank(a, &order.by), rank(b, &order.by)));
    }
    for account in accounts {
        grid.row(ui, Sense::hover(), |cells| {
            if let Some(wish) = row(cells, account, state) {
                intent = Some(wish);
            }
        });
    }
    intent
}

/// By what an account is sorted.
fn rank<'a>(view: &'a AccountView, column: &str) -> Option<Rank<'a>> {
    match column {
        "Account" => Some(Rank::Text(&view.account.label)),
        "Provider" => Some(Rank::Text(view.account.provider.title())),
        "Base URL" => Some(Rank::Text(view.account.base_url.as_str())),
        "Fingerprint" => Some(Rank::Text(view.account.fingerprint.as_str())),
        "Scope" => Some(Rank::Text(&view.scope.id)),
        "Shares with" => view.shares_with.first().map(|label| Rank::Text(label)),
        "State" => Some(Rank::Text(view.stopped.as_deref().unwrap_or_default())),
        "Tier" => view.tier.as_deref().map(Rank::Text),
        "Probe costs" => view.probe.cost_nanos.map(Rank::Number),
        _ => None,
    }
}

fn row(cells: &mut Cells<'_>, view: &AccountView, state: &mut AccountsState) -> Option<Intent> {
    let c = colors(cells.ui);
    let account = &view.account;
    cells.text(RichText::new(&account.label).color(c.text));
    cells.text(RichText::new(account.provider.title()).color(c.text_secondary));
    let url = account.base_url.as_str();
    let text = RichText::new(url.trim_start_matches("https://")).color(c.text_secondary);
    let address = cells
        .cell(|ui| {
            ui.spacing_mut().button_padding.x = 0.0; // it stands in line with the column's title
            ui.add(egui::Button::new(text).frame_when_inactive(false).truncate())
        })
        .on_hover_text(format!("{url}\nClick to change it."))
        .on_hover_cursor(egui::CursorIcon::PointingHand);
    if address.accessible_name(format!("Address… {}", account.label)).clicked() {
        state.address.open_for(account);
    }
    cells
        .text(mono(account.fingerprint.to_string()).color(c.text_secondary))
        .on_hover_text("The beginning of the key's SHA-256, to tell keys apart");
    let scope = format!("{} {}", view.scope.kind.name(), format::short_id(&view.scope.id));
    cells.text(RichText::new(scope).color(c.text_secondary)).on_hover_text(view.scope.to_string());
    let shares = if view.shares_with.is_empty() { format::NONE.to_owned() } else { view.shares_with.join(", ") };
    cells.text(RichText::new(shares).color(if view.shares_with.is_empty() { c.text_faint } else { c.text_secondary }));
    match &view.stopped {
        None => cells.text(RichText::new("ready").color(c.ok)),
        Some(why) => cells.text(RichText::new(format!("stopped: {why}")).color(c.error)),
    };
    cells.text(match &view.tier {
        Some(tier) => RichText::new(tier).color(c.text_secondary),
        None => RichText::new("unknown").color(c.text_faint),
    });
    let offer = view.probe.what.join("\n");
    cells
        .text(match view.probe.cost_nanos {
            Some(0) => RichText::new("nothing").color(c.text_secondary),
            Some(nanos) => RichText::new(format::money(nanos)).color(c.text_secondary),
            None => RichText::new("unknown").color(c.text_faint),
        })
        .on_hover_text(&offer);
    cells.cell(|ui| actions(ui, view, state))
}

/// Drawn from the right edge inwards.
fn actions(ui: &mut Ui, view: &AccountView, state: &mut AccountsState) -> Option<Intent> {
    let (id, label) = (view.account.id, &view.account.label);
    let button = |ui: &mut Ui, text: &str, enabled: bool| {
        let word = button::quiet(ui, text);
        let response = ui.add_enabled(enabled, word);
        response.accessible_name(format!("{text} {label}")).clicked()
    };
    if button(ui, "Remove…", true) {
        state.removing = Some(id);
        state.removed = Slot::Idle;
    }
    if button(ui, "Limits…", true) {
        state.limits.open_for(id);
    }
    let idle = !state.probe.waiting();
    let probe = button(ui, "Probe", idle).then_some(Intent::Probe(id));
    button(ui, "Test", idle).then_some(Intent::TestKey(id)).or(probe)
}

fn import_result(ui: &mut Ui, state: &AccountsState) -> Option<Intent> {
    if let Some(failed) = state.imported.problem() {
        ui.add_space(theme().space.near);
        problem::show(ui, failed);
    }
    None
}

/// Local tokens beside the snippets, one under the other where the window is narrow.
fn below(ui: &mut Ui, scene: &Scene<'_>, state: &mut AccountsState) -> Option<Intent> {
    if ui.available_width() < theme().size.stack_below - 200.0 {
        let intent = tokens::show(ui, scene, state);
        ui.add_space(theme().space.apart);
        connect::show(ui, scene, state);
        return intent;
    }
    let whole = ui.available_rect_before_wrap();
    let (left, right) = whole.split_left_right_at_x(whole.left() + whole.width() * 0.42);
    let left = left.with_max_x(left.right() - theme().space.apart);
    let mut tokens_ui = ui.new_child(UiBuilder::new().max_rect(left).layout(Layout::top_down(Align::Min)));
    let intent = tokens::show(&mut tokens_ui, scene, state);
    let mut connect_ui = ui.new_child(UiBuilder::new().max_rect(right).layout(Layout::top_down(Align::Min)));
    connect::show(&mut connect_ui, scene, state);
    let height = tokens_ui.min_rect().height().max(connect_ui.min_rect().height()) + theme().space.apart;
    ui.allocate_space(egui::vec2(whole.width(), height));
    intent
}

/// A line of text in the quiet colour, wrapped.
pub(super) fn quiet(ui: &mut Ui, text: &str) {
    let text = faint(ui, text);
    ui.add(Label::new(text).wrap());
}

/// A small remark, cut where the room ends.
pub(super) fn remark(ui: &mut Ui, text: impl Into<String>) {
    let text = note(ui, text);
    ui.add(Label::new(text).truncate());
}
