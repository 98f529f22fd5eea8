//! The window's state and its one rule: draw the view, turn intents into commands, look for answers.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use egui::{CentralPanel, Context, Frame, Key, KeyboardShortcut, Margin, Modifiers, Panel, Ui, UiBuilder};
use jiff::tz::TimeZone;

use crate::domain::batch::BatchOptions;
use crate::domain::command::{Command, Progress, Reply};
use crate::domain::{Clock, Preferences};
use crate::journal::LiveView;

use super::intent::Intent;
use super::palette::{self, Palette};
use super::panels::accounts::{self, AccountsState};
use super::panels::batch::{self, BatchState};
use super::panels::explain::{self, ExplainState};
use super::panels::first_run::{self, FirstRunState};
use super::panels::history::{self, HistoryState};
use super::panels::models::{self, ModelsState};
use super::panels::overview::{self, OverviewState};
use super::panels::planner::{self, PlannerState};
use super::panels::settings::{self, SettingsState};
use super::panels::traffic::{self, TrafficState};
use super::scene::Scene;
use super::slot::Slot;
use super::state::{PanelId, ThemeChoice, UiState, WindowSize};
use super::theme::{colors, theme};
use super::widgets::icon::Icon;
use super::widgets::page;
use super::{rail, status_bar};

/// Where the window puts its orders.
pub type Send = Box<dyn Fn(Command) + std::marker::Send>;

/// What the window is given.
pub struct AppOptions {
    /// Takes orders. It must not block.
    pub send: Send,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// The user's time zone.
    pub zone: TimeZone,
    /// What was remembered.
    pub state: UiState,
    /// What the user chose for the program.
    pub preferences: Preferences,
    /// Where exports go unless the user says otherwise.
    pub export_folder: PathBuf,
}

/// The window, without the window: any egui context can draw it.
pub struct App {
    send: Send,
    clock: Arc<dyn Clock>,
    zone: TimeZone,
    view: Arc<LiveView>,
    state: UiState,
    saved: UiState,
    preferences: Preferences,
    /// The look that egui was taught last.
    look: Option<(ThemeChoice, u16)>,
    first_run: FirstRunState,
    overview: OverviewState,
    traffic: TrafficState,
    history: HistoryState,
    accounts: AccountsState,
    models: ModelsState,
    batch: BatchState,
    planner: PlannerState,
    explain: ExplainState,
    settings: SettingsState,
    palette: Palette,
}

impl App {
    /// A window that has seen nothing yet.
    #[must_use]
    pub fn new(options: AppOptions) -> Self {
        let view = Arc::new(LiveView::new(options.clock.now().wall));
        let mut history = HistoryState::default();
        history.export.folder = options.export_folder;
        if let Some(chart) = options.state.chart.clone() {
            history.choose(chart);
        }
        let mut traffic = TrafficState::default();
        traffic.filter.clone_from(&options.state.traffic_filter);
        let order = |panel| options.state.orders.get(&panel).cloned();
        let (mut accounts, mut models, mut batch) = (AccountsState::default(), ModelsState::default(), BatchState::default());
        traffic.order = order(PanelId::Traffic);
        accounts.order = order(PanelId::Accounts);
        models.order = order(PanelId::Models);
        batch.order = order(PanelId::Batch);
        Self {
            send: options.send,
            clock: options.clock,
            zone: options.zone,
            view,
            saved: options.state.clone(),
            state: options.state,
            preferences: options.preferences,
            look: None,
            first_run: FirstRunState::default(),
            overview: OverviewState::default(),
            traffic,
            history,
            accounts,
            models,
            batch,
            planner: PlannerState::default(),
            explain: ExplainState::default(),
            settings: SettingsState::default(),
            palette: Palette::default(),
        }
    }

    /// From now on, draw this.
    pub fn set_view(&mut self, view: Arc<LiveView>) {
        self.view = view;
    }

    /// What would be remembered.
    #[must_use]
    pub const fn state(&self) -> &UiState {
        &self.state
    }

    /// Draws one frame.
    pub fn ui(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        self.settle();
        self.apply_look(&ctx);
        self.keys(&ctx);
        let intent = self.draw(ui);
        if let Some(intent) = intent {
            self.act(&ctx, intent);
        }
        self.remember();
        self.schedule(&ctx);
    }

    fn draw(&mut self, ui: &mut Ui) -> Option<Intent> {
        let view = Arc::clone(&self.view);
        let zone = self.zone.clone();
        let scene = Scene { view: &view, now: self.clock.now().wall, zone: &zone, density: self.state.density };
        let (c, size) = (colors(ui), &theme().size);
        let surface = |fill: super::theme::Color, margin: Margin| Frame::new().fill(fill.into()).inner_margin(margin);

        // its place is taken first and filled last, so that the keyboard comes to it last
        let status = Panel::bottom("status").exact_size(size.status).frame(surface(c.panel, Margin::symmetric(14, 0)));
        let status = status.show(ui, |ui| ui.max_rect()).inner;
        let chosen = Panel::left("rail")
            .exact_size(rail::width(ui))
            .resizable(false)
            .frame(surface(c.panel, Margin::symmetric(8, 0)))
            .show(ui, |ui| rail::show(ui, &scene, self.state.panel))
            .inner;
        if let Some(panel) = chosen {
            self.state.panel = panel;
        }
        let front = CentralPanel::default().frame(surface(c.canvas, Margin::symmetric(20, 0))).show(ui, |ui| self.panel(ui, &scene)).inner;
        let below = status_bar::show(&mut ui.new_child(UiBuilder::new().id_salt("status").max_rect(status)), &scene);
        let over = explain::show(ui.ctx(), &mut self.explain);
        let typed = palette::show(ui.ctx(), &scene, self.models.catalogue(), &mut self.palette);
        typed.or(over).or(front).or(below)
    }

    fn panel(&mut self, ui: &mut Ui, scene: &Scene<'_>) -> Option<Intent> {
        match self.state.panel {
            PanelId::Overview if scene.starting() => {
                page::empty(ui, Icon::Mark, "Starting", "Opening the history, the keyring and the gateway.", |_| ());
                None
            }
            PanelId::Overview if scene.view.accounts.is_empty() => {
                let intent = first_run::show(ui, scene, &mut self.first_run);
                accounts::add::show(ui.ctx(), scene, &mut self.accounts.add).or(intent)
            }
            PanelId::Overview => overview::show(ui, scene, &mut self.overview),
            PanelId::Traffic => traffic::show(ui, scene, &mut self.traffic),
            PanelId::History => history::show(ui, scene, &mut self.history),
            PanelId::Accounts => accounts::show(ui, scene, &mut self.accounts),
            PanelId::Settings => {
                let (window, chosen) = (&mut self.state, &self.preferences);
                let shared = settings::Shared { window, chosen, models: &self.models.models, limits: &mut self.accounts.limits };
                settings::show(ui, scene, shared, &mut self.settings)
            }
            PanelId::Models => models::show(ui, scene, &mut self.models),
            PanelId::Planner => planner::show(ui, scene, &mut self.planner),
            PanelId::Batch => batch::show(ui, scene, &mut self.batch),
        }
    }

    /// Takes in answers that came since the last frame.
    fn settle(&mut self) {
        self.first_run.importing.poll();
        self.traffic.settle();
        self.history.settle();
        self.accounts.settle();
        self.models.settle();
        self.batch.settle();
        self.planner.settle();
        self.explain.verdict.poll();
        self.settings.settle();
    }

    /// Teaches egui the chosen look. Done before the first frame, no frame is drawn in another.
    pub(super) fn apply_look(&mut self, ctx: &Context) {
        let look = (self.state.theme, self.state.scale_percent);
        if self.look == Some(look) {
            return;
        }
        if self.look.is_none() {
            theme().install(ctx);
            // the scale is ours, so that it is remembered
            ctx.options_mut(|o| o.zoom_with_keyboard = false);
        }
        self.look = Some(look);
        ctx.set_theme(match self.state.theme {
            ThemeChoice::Dark => egui::ThemePreference::Dark,
            ThemeChoice::Light => egui::ThemePreference::Light,
            ThemeChoice::System => egui::ThemePreference::System,
        });
        ctx.set_zoom_factor(f32::from(self.state.scale_percent) / 100.0);
    }

    fn keys(&mut self, ctx: &Context) {
        const DIGITS: [Key; 8] = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8];
        const STEP: u16 = 10;
        let palette = ctx.input_mut(|i| i.consume_shortcut(&KeyboardShortcut::new(Modifiers::COMMAND, Key::K)));
        let in_front = ctx.memory(|m| m.top_modal_layer().is_some());
        if palette && (!in_front || self.palette.is_open()) {
            self.palette.toggle();
            if self.palette.is_open() && matches!(self.models.models, Slot::Idle) {
                self.act(ctx, Intent::LoadModels); // models are found by name, too
            }
            return;
        }
        if in_front {
            return; // a dialog is answered before anything else happens
        }
        let typing = ctx.text_edit_focused();
        let pressed = |modifiers, key| ctx.input_mut(|i| i.consume_shortcut(&KeyboardShortcut::new(modifiers, key)));
        for (panel, key) in PanelId::ALL.into_iter().zip(DIGITS) {
            if pressed(Modifiers::COMMAND, key) || (!typing && pressed(Modifiers::NONE, key)) {
                self.state.panel = panel;
            }
        }
        if pressed(Modifiers::COMMAND, Key::F) {
            self.state.panel = PanelId::Traffic;
            self.traffic.focus_filter = true;
        }
        let scale = self.state.scale_percent;
        let (least, most) = (*UiState::SCALES.start(), *UiState::SCALES.end());
        if pressed(Modifiers::COMMAND, Key::Plus) || pressed(Modifiers::COMMAND, Key::Equals) {
            self.state.scale_percent = (scale + STEP).min(most);
        } else if pressed(Modifiers::COMMAND, Key::Minus) {
            self.state.scale_percent = (scale - STEP).max(least);
        } else if pressed(Modifiers::COMMAND, Key::Num0) {
            self.state.scale_percent = 100;
        }
    }

    /// Intent to command. The only place where orders are given.
    fn act(&mut self, ctx: &Context, intent: Intent) {
        let command = match intent {
            Intent::Go(panel) => {
                self.state.panel = panel;
                return;
            }
            Intent::ShowBucket(key) => {
                self.state.panel = PanelId::History;
                let account = self.view.accounts.iter().find(|a| a.scope == key.scope).map(|a| a.account.id);
                self.history.show_bucket(&key, account);
                return;
            }
            Intent::ShowModel(name) => {
                self.state.panel = PanelId::Models;
                self.models.show_model(name);
                return;
            }
            Intent::ShowRequest(id) => {
                self.state.panel = PanelId::Traffic;
                self.traffic.filter.clear();
                self.traffic.show_request(id);
                return;
            }
            Intent::EnterKey => {
                // before there is an account, the first run on the overview has the form, too
                if !self.view.accounts.is_empty() {
                    self.state.panel = PanelId::Accounts;
                }
                self.accounts.add.open();
                return;
            }
            Intent::ImportKeys(variables) => {
                let slot = if self.view.accounts.is_empty() { &mut self.first_run.importing } else { &mut self.accounts.imported };
                Command::ImportEnv(variables, slot.ask(ctx))
            }
            Intent::AddAccount(account) => Command::AddAccount(account, self.accounts.add.saved.ask(ctx)),
            Intent::MoveAccount(moved) => Command::MoveAccount(moved, self.accounts.address.saved.ask(ctx)),
            Intent::RemoveAccount(id) => Command::RemoveAccount(id, self.accounts.removed.ask(ctx)),
            Intent::Probe(id) => {
                self.state.panel = PanelId::Accounts;
                Command::Probe(id, self.accounts.probe.ask(ctx))
            }
            Intent::TryNow(id) => {
                let ctx = ctx.clone();
                // what it tries is seen in the traffic
                Command::TryNow(id, Reply::new(move || ctx.request_repaint()).0)
            }
            Intent::TestKey(id) => Command::TestKey(id, self.accounts.probe.ask(ctx)),
            Intent::SetLimit(limit) => Command::SetLimit(limit, self.accounts.limits.saved.ask(ctx)),
            Intent::OpenRules => {
                self.state.panel = PanelId::Settings;
                self.settings.show_rules();
                return;
            }
            Intent::SetBudget(budget) => Command::SetBudget(budget, self.settings.budgets.saved.ask(ctx)),
            Intent::RemoveBudget(account, period) => Command::RemoveBudget(account, period, self.settings.budgets.saved.ask(ctx)),
            Intent::AskForRoutes(model) => Command::RouteOffers(model, self.settings.routes.offers.ask(ctx)),
            Intent::AddRoute(route) => Command::AddRoute(route, self.settings.routes.saved.ask(ctx)),
            Intent::RemoveRoute(route) => Command::RemoveRoute(route, self.settings.routes.saved.ask(ctx)),
            Intent::SetAlias(alias) => Command::SetAlias(alias, self.settings.names.saved.ask(ctx)),
            Intent::RemoveAlias(account, model) => Command::RemoveAlias(account, model, self.settings.names.saved.ask(ctx)),
            Intent::NewToken(name) => Command::NewToken(name, self.accounts.token.ask(ctx)),
            Intent::RevokeToken(name) => Command::RevokeToken(name, self.accounts.revoked.ask(ctx)),
            Intent::LoadSeries(query) => Command::Series(query, self.history.loading.ask(ctx)),
            Intent::FilterTraffic(words) => {
                self.state.panel = PanelId::Traffic;
                if let Some(words) = words {
                    self.traffic.filter = words;
                }
                self.traffic.focus_filter = true;
                return;
            }
            Intent::OpenExport => {
                self.state.panel = PanelId::History;
                self.history.export.open = true;
                return;
            }
            Intent::OpenScan => {
                self.state.panel = PanelId::Models;
                self.models.show_scan();
                return;
            }
            Intent::ShowLimits(account) => {
                self.state.panel = PanelId::Accounts;
                self.accounts.limits.open_for(account);
                return;
            }
            Intent::SetDensity(choice) => {
                self.state.density = choice;
                return;
            }
            Intent::SetTheme(choice) => {
                self.state.theme = choice;
                return;
            }
            Intent::Prefer(chosen) => {
                self.preferences = chosen.clone();
                Command::SetPreferences(chosen)
            }
            Intent::StartAtLogin(on) => Command::StartAtLogin(on, self.settings.at_login.ask(ctx)),
            Intent::Quit => Command::Quit,
            Intent::OpenExplain => {
                self.explain.open();
                return;
            }
            Intent::Explain(pasted) => Command::Explain(pasted, self.explain.verdict.ask(ctx)),
            Intent::LoadStory(query) => Command::Story(query, self.traffic.story.ask(ctx)),
            Intent::LoadRequests(query) => Command::Requests(query, self.traffic.past.page.ask(ctx)),
            Intent::LoadReports => Command::Reports(self.accounts.reports.ask(ctx)),
            Intent::LoadModels => Command::Models(self.models.models.ask(ctx)),
            Intent::LoadPlannerModels => Command::Models(self.planner.models.ask(ctx)),
            Intent::LoadLoads(source) => {
                let from = &mut self.planner.source;
                from.progress = Progress::default();
                Command::Loads(source, from.progress.clone(), from.loads.ask(ctx))
            }
            Intent::Plan(query) => Command::Plan(query, self.planner.answer.ask(ctx)),
            Intent::SeedBatch(seed) => {
                self.state.panel = PanelId::Batch;
                self.batch.begin(seed);
                return;
            }
            Intent::PlanModel(provider, model) => {
                self.state.panel = PanelId::Planner;
                self.planner.plan_model(provider, model);
                return;
            }
            Intent::OpenNewBatch => {
                self.state.panel = PanelId::Batch;
                self.batch.open_new();
                return;
            }
            Intent::CheckBatch(order) => {
                self.batch.checks(&order);
                Command::CheckBatch(order, self.batch.checking.clone(), self.batch.check.ask(ctx))
            }
            Intent::StartBatch(order) => {
                self.batch.planning = Progress::default();
                Command::StartBatch(order, self.batch.planning.clone(), self.batch.started.ask(ctx))
            }
            Intent::ResumeBatch(id) => Command::ResumeBatch(id, BatchOptions::default(), self.batch.told.ask(ctx)),
            Intent::StopBatch(id, wish) => Command::StopBatch(id, wish, self.batch.told.ask(ctx)),
            Intent::ScanModels(folder) => {
                let scan = &mut self.models.scan;
                scan.progress = Progress::default();
                Command::ScanModels(folder, scan.progress.clone(), scan.report.ask(ctx))
            }
            Intent::WriteChart(order) => Command::WriteChart(order, self.history.export.written.ask(ctx)),
            Intent::Export(order) => Command::Export(order, self.history.export.written.ask(ctx)),
        };
        (self.send)(command);
    }

    /// The window has this size.
    pub(super) const fn set_window(&mut self, size: WindowSize) {
        self.state.window = Some(size);
    }

    fn remember(&mut self) {
        if self.state.traffic_filter != self.traffic.filter {
            self.state.traffic_filter.clone_from(&self.traffic.filter);
        }
        for (panel, order) in [
            (PanelId::Traffic, &self.traffic.order),
            (PanelId::Accounts, &self.accounts.order),
            (PanelId::Models, &self.models.order),
            (PanelId::Batch, &self.batch.order),
        ] {
            if self.state.orders.get(&panel) == order.as_ref() {
                continue;
            }
            match order {
                Some(order) => self.state.orders.insert(panel, order.clone()),
                None => self.state.orders.remove(&panel),
            };
        }
        if let Some(chart) = self.history.chosen()
            && self.state.chart.as_ref() != Some(chart)
        {
            self.state.chart = Some(chart.clone());
        }
        if self.state != self.saved {
            self.saved = self.state.clone();
            (self.send)(Command::SaveSetting(UiState::SETTING.into(), self.state.to_json()));
        }
    }

    /// A countdown that can be seen needs a frame a second. Nothing else draws by itself.
    fn schedule(&self, ctx: &Context) {
        let now = self.clock.now().wall;
        let counts = matches!(self.state.panel, PanelId::Overview | PanelId::Traffic);
        let moving = !self.view.waiting.is_empty() || self.view.buckets.iter().any(|b| b.frozen_until.is_some_and(|at| at > now));
        if counts && moving && self.traffic.paused.is_none() {
            ctx.request_repaint_after(Duration::from_secs(1));
        }
    }
}
