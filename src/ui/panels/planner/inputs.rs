//! The load: a model, a slider for each number that decides, and limits that the user knows better.

use std::ops::RangeInclusive;

use egui::{Align, Align2, DragValue, Label, Layout, RichText, Slider, TextEdit, Ui};

use crate::domain::dimension::Meter;
use crate::domain::plan::{Demand, Load, PlanQuery};
use crate::domain::view::{ModelView, ModelsView};
use crate::domain::{Dialect, Dimension, Limit, LimitSource, ModelId, Period, Provider, Severity, Window};

use super::super::super::format;
use super::super::super::scene::Scene;
use super::super::super::slot::Slot;
use super::super::super::theme::{colors, note, theme};
use super::super::super::widgets::{button, page};
use super::super::accounts::limits::number;
use super::super::history::combo;

/// The meters that can be typed in, as on the command line.
const METERS: [Meter; 5] = [
    Meter(Dimension::Requests, Period::MINUTE),
    Meter(Dimension::InputTokens, Period::MINUTE),
    Meter(Dimension::OutputTokens, Period::MINUTE),
    Meter(Dimension::Tokens, Period::MINUTE),
    Meter(Dimension::Requests, Period::DAY),
];

/// How many of these fields stand side by side.
const IN_A_ROW: usize = 3;

/// The load, as it is typed and dragged.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// Whose model.
    pub provider: Provider,
    /// Its name.
    pub model: String,
    /// Whether it is a batch, which takes as long as it takes, and not a rate.
    pub batch: bool,
    /// Requests a minute.
    pub requests_per_min: f64,
    /// Rows of the batch.
    pub rows: f64,
    /// Tokens of a prompt.
    pub input_tokens: f64,
    /// Tokens of an answer.
    pub output_tokens: f64,
    /// The part of the input that is read from the cache, in percent.
    pub cached_percent: f64,
    /// Seconds until the end of an answer; zero if that is not known.
    pub latency_secs: f64,
    /// Where the user stands, if it was chosen in the table.
    pub tier: Option<String>,
    /// Where the numbers came from, unless they were typed.
    pub basis: Option<String>,
    /// Limits that the user types in, one for each meter.
    given: [String; METERS.len()],
}

impl Default for Inputs {
    fn default() -> Self {
        Self {
            provider: Provider::Anthropic,
            model: String::new(),
            batch: false,
            requests_per_min: 100.0,
            rows: 1_000.0,
            input_tokens: 3_000.0,
            output_tokens: 500.0,
            cached_percent: 0.0,
            latency_secs: 0.0,
            tier: None,
            basis: None,
            given: Default::default(),
        }
    }
}

impl Inputs {
    /// Takes a load that was read.
    pub fn adopt(&mut self, load: &Load) {
        let Demand { requests_per_min, rows, input_tokens, output_tokens, cached_share, latency_secs } = load.demand;
        (self.provider, self.model) = (load.provider, load.model.to_string());
        self.batch = rows.is_some();
        self.requests_per_min = requests_per_min.unwrap_or(self.requests_per_min);
        self.rows = rows.map_or(self.rows, |rows| rows as f64);
        (self.input_tokens, self.output_tokens) = (input_tokens as f64, output_tokens as f64);
        self.cached_percent = (cached_share * 100.0).round();
        self.latency_secs = latency_secs.unwrap_or(0.0);
        let open = if load.open_ended > 0 {
            format!("; {} rows set no maximum for their answers, so say how long those are", format::grouped(load.open_ended))
        } else {
            String::new()
        };
        self.basis = Some(format!("{}{open}", load.basis));
        self.tier = None;
    }

    /// The question; `None` while there is no model.
    pub(super) fn query(&self, tier: Option<String>) -> Option<PlanQuery> {
        let model = self.model.trim();
        let given: Vec<Limit> = METERS.into_iter().zip(&self.given).filter_map(|(meter, text)| limit(meter, text)).collect();
        (!model.is_empty()).then(|| PlanQuery {
            provider: self.provider,
            model: ModelId::new(model),
            demand: Demand {
                requests_per_min: (!self.batch).then_some(self.requests_per_min),
                rows: self.batch.then_some(super::whole(self.rows)),
                input_tokens: super::whole(self.input_tokens),
                output_tokens: super::whole(self.output_tokens),
                cached_share: self.cached_percent / 100.0,
                latency_secs: (self.latency_secs > 0.0).then_some(self.latency_secs),
            },
            tier,
            given,
            tiers_too: true,
        })
    }
}

fn limit(Meter(dimension, period): Meter, text: &str) -> Option<Limit> {
    let window = if period == Period::DAY { Window::PER_DAY } else { Window::PER_MINUTE };
    Some(Limit { dimension, window, capacity: number(text)?, source: LimitSource::User })
}

/// Draws them.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, inputs: &mut Inputs, models: &Slot<ModelsView>) {
    page::group(ui, "Load", "");
    page::rule(ui);
    ui.add_space(theme().space.tight);
    model(ui, inputs, models);
    ui.add_space(theme().space.close);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = theme().space.hair;
        ui.selectable_value(&mut inputs.batch, false, "At a rate");
        ui.selectable_value(&mut inputs.batch, true, "As a batch");
    });
    ui.add_space(theme().space.tight);
    if inputs.batch {
        row(ui, "Rows", "", &mut inputs.rows, 1.0..=1_000_000.0, 1.0);
    } else {
        row(ui, "Requests per minute", "", &mut inputs.requests_per_min, 0.1..=100_000.0, 1.0);
    }
    row(ui, "Input tokens", "each", &mut inputs.input_tokens, 1.0..=1_000_000.0, 1.0);
    row(ui, "Output tokens", "each", &mut inputs.output_tokens, 1.0..=200_000.0, 1.0);
    row(ui, "From the cache", "% of the input", &mut inputs.cached_percent, 0.0..=100.0, 0.0);
    row(ui, "Latency", "s to the last token, 0 if unknown", &mut inputs.latency_secs, 0.0..=600.0, 0.1);
    if let Some(basis) = &inputs.basis {
        let text = note(ui, format::regrouped(basis));
        ui.add(Label::new(text).wrap());
    }
    ui.add_space(theme().space.near);
    given(ui, scene, inputs);
}

fn model(ui: &mut Ui, inputs: &mut Inputs, models: &Slot<ModelsView>) {
    let width = ui.available_width();
    ui.horizontal(|ui| {
        let before = inputs.provider;
        combo(ui, "Provider", inputs.provider.title(), 84.0, |ui| {
            for provider in Provider::ALL {
                ui.selectable_value(&mut inputs.provider, provider, provider.title());
            }
        });
        let known = known(inputs.provider, models);
        if before != inputs.provider {
            inputs.tier = None;
            inputs.model = known.first().map_or(String::new(), |model| model.id.clone());
        }
        let rest = width - ui.min_rect().width() - theme().space.close;
        if known.is_empty() {
            let field = TextEdit::singleline(&mut inputs.model).hint_text("name of the model").desired_width(rest - 8.0);
            ui.add(field.align(Align2::LEFT_CENTER)).accessible_name("Model");
            return;
        }
        let current = if inputs.model.is_empty() { "Choose a model" } else { &inputs.model }.to_owned();
        combo(ui, "Model", &current, rest, |ui| {
            for model in known {
                let text = if model.severity == Severity::Info { model.id.clone() } else { format!("{} ({})", model.id, model.state) };
                ui.selectable_value(&mut inputs.model, model.id.clone(), text);
            }
        });
    });
}

/// Models that can be asked for, by their whole names.
pub(super) fn known(provider: Provider, models: &Slot<ModelsView>) -> Vec<&ModelView> {
    let Slot::Done(view) = models else { return Vec::new() };
    let fits = |model: &&ModelView| {
        model.provider == Dialect::of(provider, "")
            && provider != Provider::Custom
            && model.severity != Severity::Error
            && !model.id.contains('*')
    };
    view.models.iter().filter(fits).collect()
}

/// A name, its number, and a slider below them. The slider is logarithmic from `fine` on; zero keeps it even.
fn row(ui: &mut Ui, name: &str, unit: &str, value: &mut f64, range: RangeInclusive<f64>, fine: f64) {
    ui.horizontal(|ui| {
        let text = note(ui, name);
        ui.label(text);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let shown = DragValue::new(value)
                .range(range.clone())
                .speed(0.0)
                .custom_formatter(|n, _| exact(n))
                .custom_parser(|text| text.replace([format::THIN, ' ', ','], "").parse().ok());
            ui.add(shown).accessible_name(format!("{name}, number"));
            let text = note(ui, unit);
            ui.add(Label::new(text).truncate());
        });
    });
    let mut moved = *value;
    let slider = Slider::new(&mut moved, range).show_value(false).logarithmic(fine > 0.0).smallest_positive(fine.max(1.0));
    ui.spacing_mut().slider_width = ui.available_width();
    if ui.add(slider).accessible_name(name.to_owned()).changed() {
        *value = round(moved);
    }
    ui.add_space(theme().space.tight);
}

/// To two figures: what a slider is dragged to need not be exact.
fn round(n: f64) -> f64 {
    if n <= 0.0 {
        return 0.0;
    }
    let grain = 10_f64.powf(n.log10().floor() - 1.0);
    (n / grain).round() * grain
}

/// As it is, without a fraction that is none.
fn exact(n: f64) -> String {
    if n >= 100.0 || n.fract() == 0.0 { format::grouped(super::whole(n.round())) } else { format!("{}", (n * 100.0).round() / 100.0) }
}

/// Limits that are known better, or that a new contract would bring.
fn given(ui: &mut Ui, scene: &Scene<'_>, inputs: &mut Inputs) {
    page::group(ui, "Your own limits", "if you know them better");
    page::rule(ui);
    ui.add_space(theme().space.tight);
    let mut wrong = false;
    let mut fields = METERS.into_iter().zip(&mut inputs.given);
    for _ in 0..METERS.len().div_ceil(IN_A_ROW) {
        ui.columns(IN_A_ROW, |columns| {
            for (ui, (meter, text)) in columns.iter_mut().zip(fields.by_ref()) {
                let label = ui.label(note(ui, meter.to_string()));
                ui.add(TextEdit::singleline(text).desired_width(f32::INFINITY).align(Align2::LEFT_CENTER)).labelled_by(label.id);
                wrong |= !text.trim().is_empty() && number(text).is_none();
            }
        });
    }
    if wrong {
        ui.label(RichText::new("Write whole numbers above zero, like 30000.").small().color(colors(ui).error));
    }
    // what the account is known to have, so that nobody copies it by hand
    let class = |bucket: &&crate::domain::view::BucketView| {
        bucket.key.scope.provider == inputs.provider && inputs.model.starts_with(bucket.key.class.as_str())
    };
    let found: Vec<_> = scene.view.buckets.iter().filter(class).collect();
    ui.horizontal(|ui| {
        let text = if found.is_empty() { "" } else { "Take what is measured" };
        if !found.is_empty()
            && ui.add(button::small(text)).on_hover_text("The capacities of this model's buckets, as the overview shows them").clicked()
        {
            for (meter, text) in METERS.into_iter().zip(&mut inputs.given) {
                let bucket = found.iter().find(|bucket| bucket.key.meter() == meter);
                *text = bucket.map_or(String::new(), |bucket| bucket.capacity.to_string());
            }
        }
        if inputs.given.iter().any(|text| !text.is_empty())
            && ui.add(button::small("Clear")).accessible_name("Clear your own limits").clicked()
        {
            inputs.given = Default::default();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dragged_numbers_are_round_and_typed_ones_exact() {
        for (dragged, kept) in [(0.0, 0.0), (0.123, 0.12), (1_234.0, 1_200.0), (98_765.0, 99_000.0)] {
            assert!((round(dragged) - kept).abs() < 1e-9, "{dragged}: {}", round(dragged));
        }
        for (n, text) in [(3_000.0, "3\u{202f}000"), (0.5, "0.5"), (53.333_3, "53.33"), (0.0, "0")] {
            assert_eq!(exact(n), text);
        }
    }
}
