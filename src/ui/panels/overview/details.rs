//! What is known of one bucket: every number with its unit and where it came from, whose traffic it was, and what the limiter believes.

use egui::{Align, Color32, Key, Label, Layout, RichText, ScrollArea, Sense, Ui, vec2};

use crate::domain::view::BucketView;
use crate::domain::{LimitSource, Period, Refill};

use super::super::super::format;
use super::super::super::intent::Intent;
use super::super::super::pace::{self, Pace};
use super::super::super::scene::Scene;
use super::super::super::theme::{colors, faint, note, section, theme};
use super::super::super::widgets::{page, trend};

/// What was pressed in the drawer.
#[derive(Debug)]
pub enum Pressed {
    /// It was closed.
    Close,
    /// Something is wanted.
    Wish(Intent),
}

/// Draws the drawer of a bucket.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, bucket: &BucketView) -> Option<Pressed> {
    let in_front = ui.memory(|m| m.top_modal_layer().is_some());
    let mut pressed = (!in_front && ui.input(|i| i.key_pressed(Key::Escape))).then_some(Pressed::Close);
    ui.horizontal(|ui| {
        ui.add(Label::new(section(format!("{} of {}", bucket.meter, bucket.key.class))));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.button("Close").clicked() {
                pressed = Some(Pressed::Close);
            }
            if ui.button("Show its history").clicked() {
                pressed = Some(Pressed::Wish(Intent::ShowBucket(bucket.key.clone())));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let text = note(ui, scene.whose(&bucket.key.scope));
                ui.add(Label::new(text).truncate()).on_hover_text(bucket.key.scope.to_string());
            });
        });
    });
    ui.add_space(theme().space.tight);
    ScrollArea::vertical().id_salt("bucket").auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().interact_size.y = 0.0; // lines of text, not of controls
        ui.columns(3, |uis| {
            let [numbers, traffic, beliefs] = uis else { return };
            // columns would stretch the words of a sentence to both edges
            numbers.vertical(|ui| facts(ui, scene, bucket));
            traffic.vertical(|ui| {
                minutes(ui, scene, bucket);
                clients(ui, scene, bucket);
            });
            beliefs.vertical(|ui| believed(ui, bucket));
        });
    });
    pressed
}

/// What hovering over a row tells: where it stands, and what is believed of it and why.
pub fn hover(ui: &mut Ui, scene: &Scene<'_>, bucket: &BucketView) {
    ui.set_min_width(360.0);
    ui.label(super::buckets::sentence(scene, bucket));
    let pace = match pace::pace(bucket, scene.now) {
        Pace::Out => "Nothing is left.".to_owned(),
        Pace::In(after) => format!("Runs out in {} at this pace.", format::duration(after)),
        Pace::Lasts => "Does not run out at this pace.".into(),
        Pace::Idle => "Not in use.".into(),
    };
    let text = note(ui, format!("{pace} Confirmed {}.", confirmed(scene, bucket)));
    ui.add(Label::new(text).wrap());
    let seen = trend::sentence(scene.view.trends.get(&bucket.key));
    if !seen.is_empty() {
        let text = note(ui, format!("{seen}."));
        ui.label(text);
    }
    ui.add_space(theme().space.tight);
    believed(ui, bucket);
}

fn facts(ui: &mut Ui, scene: &Scene<'_>, bucket: &BucketView) {
    let unit = bucket.key.dimension.unit();
    let amount = |n: u64| format!("{} {unit}", format::amount(bucket.key.dimension, n));
    let settled = bucket.used.saturating_sub(bucket.held);
    let mut lines = vec![
        ("Capacity", format!("{} {}", amount(bucket.capacity), period(bucket.key.period))),
        ("Source", source(bucket.source)),
        ("Used", amount(settled)),
        ("Held", format!("{} by requests in flight", amount(bucket.held))),
        ("Left", format!("{} {unit}", format::signed(bucket.remaining))),
        ("Comes back", refill(bucket.refill)),
        ("Own use", format!("{} {unit} a minute", format::rate(bucket.own_per_minute))),
        ("Runs out", runs_out(scene, bucket)),
        ("Others", format!("{} {unit} a minute, as far as headers tell", format::rate(bucket.foreign_per_minute))),
    ];
    if let Some(at) = bucket.full_at {
        lines.push(("Full at", format!("{}, {}", format::local(at, scene.zone), format::utc(at))));
    }
    if let Some(at) = bucket.frozen_until.filter(|at| *at > scene.now) {
        lines.push(("Frozen until", format!("{}, because the provider said so", format::local(at, scene.zone))));
    }
    lines.push(("Confirmed", confirmed(scene, bucket)));
    page::facts(ui, "bucket details", &lines);
}

fn confirmed(scene: &Scene<'_>, bucket: &BucketView) -> String {
    let ago = |at| format!("by a header {} ago", format::duration(format::since(scene.now, at)));
    bucket.confirmed_at.map_or_else(|| "never by a header".into(), ago)
}

/// The last five minutes, as high as the limit.
fn minutes(ui: &mut Ui, scene: &Scene<'_>, bucket: &BucketView) {
    let seen = scene.view.trends.get(&bucket.key);
    let text = note(ui, if seen.is_some() { trend::sentence(seen) } else { "Last 5 min: not seen yet".into() });
    ui.label(text);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 56.0), Sense::hover());
    ui.painter().hline(rect.x_range(), rect.top(), (1.0, Color32::from(colors(ui).binding)));
    trend::paint(ui, rect, &seen.map(|t| t.points(scene.now)).unwrap_or_default(), bucket.frozen_until.is_some_and(|at| at > scene.now));
    ui.add_space(theme().space.close);
}

/// Whose traffic it was in the last minute: the clients of this machine, and others as far as headers tell.
fn clients(ui: &mut Ui, scene: &Scene<'_>, bucket: &BucketView) {
    let text = note(ui, "Whose traffic in the last minute");
    ui.label(text);
    let c = colors(ui);
    let mut lines: Vec<(String, f64, Color32)> = pace::by_client(scene.view, bucket, scene.now)
        .into_iter()
        .map(|(client, n)| (client.to_string(), n as f64, c.used.into()))
        .collect();
    if bucket.foreign_per_minute > 0.0 {
        lines.push(("other machines".into(), bucket.foreign_per_minute, c.foreign.into()));
    }
    let most = lines.iter().map(|(_, n, _)| *n).fold(0.0, f64::max);
    for (name, n, color) in &lines {
        ui.horizontal(|ui| {
            let width = ui.available_width();
            ui.allocate_ui_with_layout(vec2(width * 0.45, 16.0), Layout::left_to_right(Align::Center), |ui| {
                ui.set_min_width(width * 0.45);
                ui.add(Label::new(RichText::new(name).small()).truncate());
            });
            let (rect, _) = ui.allocate_exact_size(vec2(width * 0.3, 6.0), Sense::hover());
            #[expect(clippy::cast_possible_truncation, reason = "a share to draw")]
            let share = (n / most) as f32;
            ui.painter().rect_filled(rect.with_max_x(rect.left() + rect.width() * share), 2.0, *color);
            let text = note(ui, format::rate(*n));
            ui.label(text);
        });
    }
    if lines.is_empty() {
        let text = faint(ui, "Nobody's: no request that drew on it ended.");
        ui.add(Label::new(text.small()).wrap());
    }
}

fn believed(ui: &mut Ui, bucket: &BucketView) {
    let text = note(ui, "What the limiter believes, and why");
    ui.label(text);
    for belief in &bucket.beliefs {
        ui.add(Label::new(RichText::new(format!("{}: {}", belief.what, format::regrouped(&belief.value))).small()).wrap().selectable(true));
        let evidence = note(ui, &belief.evidence);
        ui.add(Label::new(evidence).wrap().selectable(true));
        ui.add_space(theme().space.tight);
    }
    if bucket.beliefs.is_empty() {
        let text = faint(ui, "Nothing beyond the numbers.");
        ui.add(Label::new(text.small()));
    }
}

fn runs_out(scene: &Scene<'_>, bucket: &BucketView) -> String {
    match pace::pace(bucket, scene.now) {
        Pace::Out => "nothing is left now".into(),
        Pace::In(after) => format!("in {} at this pace", format::duration(after)),
        Pace::Lasts => "not at this pace".into(),
        Pace::Idle => "not in use".into(),
    }
}

fn period(period: Period) -> String {
    if period == Period::AT_ONCE { String::new() } else { format!("a {}", period.name()) }
}

fn refill(refill: Refill) -> String {
    match refill {
        Refill::Continuous => "a little all the time".into(),
        Refill::Fixed => "all at once when the window ends".into(),
        Refill::Calendar(zone) => format!("all at once at midnight {}", zone.iana()),
        Refill::OnRelease => "when a request ends".into(),
    }
}

/// Where a number came from, in words.
fn source(source: LimitSource) -> String {
    match source {
        LimitSource::Header => "a response header".into(),
        LimitSource::Refusal => "the text of a refusal".into(),
        LimitSource::Admin => "the provider's admin API".into(),
        LimitSource::User => "set by you".into(),
        LimitSource::Learned => "worked out from what happened".into(),
        LimitSource::Catalog { as_of } => format!("the catalogue, as of {as_of}"),
    }
}
