//! The table of buckets, grouped by scope and class of models.

use egui::{Label, RichText, Role, Sense, Ui, WidgetInfo};

use crate::domain::view::BucketView;
use crate::domain::{LimitSource, ModelClass, Period, Refill};

use super::super::super::format;
use super::super::super::intent::Intent;
use super::super::super::scene::Scene;
use super::super::super::theme::{colors, faint, note, secondary, theme};
use super::super::super::widgets::grid::{Cells, Column, Grid};
use super::super::super::widgets::{meter, page};

const COLUMNS: [Column; 9] = [
    Column::text("Limit", 88.0),
    Column::rest(""),
    Column::number("Used / limit", 104.0),
    Column::number("Left", 54.0),
    Column::number("Full in", 66.0),
    Column::number("Own/min", 52.0),
    Column::number("Others", 48.0),
    Column::number("Wait", 30.0).gives_way(1),
    Column::text("Source", 102.0),
];

/// Draws all of them.
pub fn show(ui: &mut Ui, scene: &Scene<'_>) -> Option<Intent> {
    let grid = Grid::new(ui, &COLUMNS, scene.density.row());
    if scene.view.buckets.is_empty() {
        page::group(ui, "Limits", "");
        let text =
            faint(ui, "No limit is known yet. The first answer of a provider, the catalogue, or a limit that you set fills this table.");
        ui.add(Label::new(text).wrap());
        return None;
    }
    let mut clicked = None;
    grid.head(ui);
    let mut above: Option<&BucketView> = None;
    for (at, bucket) in scene.view.buckets.iter().enumerate() {
        if above.is_none_or(|a| a.key.scope != bucket.key.scope) {
            ui.add_space(if at == 0 { theme().space.close } else { theme().space.apart });
            scope(ui, scene, bucket);
            above = None;
        }
        if above.is_none_or(|a| a.key.class != bucket.key.class) {
            ui.add_space(theme().space.tight);
            let name = if bucket.key.class == ModelClass::any() { "all models" } else { bucket.key.class.as_str() };
            let text = secondary(ui, name);
            ui.add(Label::new(text).truncate());
        }
        if row(ui, scene, &grid, bucket) {
            clicked = Some(Intent::ShowBucket(bucket.key.clone()));
        }
        above = Some(bucket);
    }
    ui.add_space(theme().space.apart);
    clicked
}

fn scope(ui: &mut Ui, scene: &Scene<'_>, bucket: &BucketView) {
    let scope = &bucket.key.scope;
    let tier = scene.view.accounts.iter().filter(|a| a.scope == *scope).find_map(|a| a.tier.clone());
    let accounts = match bucket.accounts.as_slice() {
        [one] => one.clone(),
        several => format!("shared by {}", several.join(", ")),
    };
    let named = bucket.accounts.contains(&scope.id);
    let id = if named { String::new() } else { format!(", {} {}", scope.kind.name(), format::short_id(&scope.id)) };
    let tier = tier.map_or_else(String::new, |tier| format!(", {tier}"));
    page::group(ui, scope.provider.title(), &format!("{accounts}{tier}{id}")).on_hover_text(scope.to_string());
}

/// A click leads to the bucket's chart.
fn row(ui: &mut Ui, scene: &Scene<'_>, grid: &Grid, bucket: &BucketView) -> bool {
    let response = grid.row(ui, Sense::click(), |cells| fill(cells, scene, bucket));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, sentence(scene, bucket)));
    response.on_hover_ui(|ui| details(ui, scene, bucket)).clicked()
}

fn fill(cells: &mut Cells<'_>, scene: &Scene<'_>, bucket: &BucketView) {
    let c = colors(cells.ui);
    let dimension = bucket.key.dimension;
    let dash = faint(cells.ui, format::NONE);
    let number = |n: String, present: bool| if present { RichText::new(n).color(c.text_secondary) } else { dash.clone() };

    cells.cell(|ui| {
        let name = RichText::new(short_meter(bucket)).color(if bucket.binding { c.text } else { c.text_secondary });
        ui.add(Label::new(name).truncate());
        if bucket.binding {
            ui.add(Label::new(RichText::new("binds").small().color(c.binding)));
        }
    });
    cells.cell(|ui| meter::show(ui, bucket));
    cells.cell(|ui| {
        let of = faint(ui, format!("/ {}", format::short_amount(dimension, bucket.capacity)));
        ui.add(Label::new(of));
        ui.add(Label::new(RichText::new(format::short_amount(dimension, bucket.used)).color(c.text)));
    });
    let left = format::short_signed(bucket.remaining);
    cells.text(RichText::new(left).color(if bucket.remaining <= 0 { c.error } else { c.text }));
    cells.text(match refills(scene, bucket) {
        Some((text, frozen)) => RichText::new(text).color(if frozen { c.error } else { c.text_secondary }),
        None => dash.clone(),
    });
    cells.text(number(format::rate(bucket.own_per_minute), bucket.own_per_minute > 0.0));
    cells.text(if bucket.foreign_per_minute > 0.0 {
        RichText::new(format::rate(bucket.foreign_per_minute)).color(c.foreign)
    } else {
        dash.clone()
    });
    cells.text(if bucket.waiting > 0 { RichText::new(bucket.waiting.to_string()).color(c.binding) } else { dash.clone() });
    let source = note(cells.ui, bucket.source.to_string());
    cells.text(source);
}

/// "concurrency" is too long for the column of the three-letter names.
fn short_meter(bucket: &BucketView) -> &str {
    if bucket.key.period == Period::AT_ONCE { "at once" } else { &bucket.meter }
}

/// When there is room again, and whether that is a ban by the provider.
fn refills(scene: &Scene<'_>, bucket: &BucketView) -> Option<(String, bool)> {
    let frozen = bucket.frozen_until.filter(|at| *at > scene.now);
    let full = bucket.full_at.filter(|at| *at > scene.now && bucket.key.period != Period::AT_ONCE);
    let at = frozen.or(full)?;
    let far = format::since(at, scene.now).as_secs() > 3_600;
    let text = if far { format::when(scene.now, at, scene.zone) } else { format::until(scene.now, at) };
    Some((text, frozen.is_some()))
}

/// The row for a screen reader, and for tests.
#[must_use]
pub fn sentence(scene: &Scene<'_>, bucket: &BucketView) -> String {
    let dimension = bucket.key.dimension;
    let binds = if bucket.binding { ", binds" } else { "" };
    let waiting = if bucket.waiting > 0 { format!(", {} waiting", bucket.waiting) } else { String::new() };
    let frozen = bucket
        .frozen_until
        .filter(|at| *at > scene.now)
        .map_or_else(String::new, |at| format!(", frozen for {}", format::until(scene.now, at)));
    format!(
        "{} of {}: {} of {} used, {} held, {} left{binds}{waiting}{frozen}, source {}",
        bucket.meter,
        bucket.key.class,
        format::amount(dimension, bucket.used),
        format::amount(dimension, bucket.capacity),
        format::amount(dimension, bucket.held),
        format::signed(bucket.remaining),
        bucket.source,
    )
}

/// Every number with its unit and where it came from.
fn details(ui: &mut Ui, scene: &Scene<'_>, bucket: &BucketView) {
    let unit = bucket.key.dimension.unit();
    let amount = |n: u64| format!("{} {unit}", format::amount(bucket.key.dimension, n));
    ui.label(format!("{} of {}", bucket.meter, bucket.key.class));
    let text = note(ui, format!("{}, {}", scene.whose(&bucket.key.scope), bucket.key.scope));
    ui.label(text);
    ui.add_space(theme().space.tight);

    let settled = bucket.used.saturating_sub(bucket.held);
    let mut lines = vec![
        ("Capacity", format!("{} {}", amount(bucket.capacity), period(bucket.key.period))),
        ("Source", source(bucket.source)),
        ("Used", amount(settled)),
        ("Held", format!("{} by requests in flight", amount(bucket.held))),
        ("Left", format!("{} {unit}", format::signed(bucket.remaining))),
        ("Comes back", refill(bucket.refill)),
        ("Own use", format!("{} {unit} a minute", format::rate(bucket.own_per_minute))),
        ("Others", format!("{} {unit} a minute, as far as headers tell", format::rate(bucket.foreign_per_minute))),
    ];
    if let Some(at) = bucket.full_at {
        lines.push(("Full at", format!("{}, {}", format::local(at, scene.zone), format::utc(at))));
    }
    if let Some(at) = bucket.frozen_until.filter(|at| *at > scene.now) {
        lines.push(("Frozen until", format!("{}, because the provider said so", format::local(at, scene.zone))));
    }
    lines.push((
        "Confirmed",
        bucket
            .confirmed_at
            .map_or("never by a header".into(), |at| format!("by a header {} ago", format::duration(format::since(scene.now, at)))),
    ));
    page::facts(ui, "bucket details", &lines);
    for belief in &bucket.beliefs {
        ui.add_space(theme().space.tight);
        ui.label(RichText::new(format!("{}: {}", belief.what, belief.value)).small());
        let evidence = note(ui, &belief.evidence);
        ui.label(evidence);
    }
    ui.add_space(theme().space.tight);
    let click = note(ui, "A click shows its history.");
    ui.label(click);
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
#[must_use]
pub fn source(source: LimitSource) -> String {
    match source {
        LimitSource::Header => "a response header".into(),
        LimitSource::Refusal => "the text of a refusal".into(),
        LimitSource::Admin => "the provider's admin API".into(),
        LimitSource::User => "set by you".into(),
        LimitSource::Learned => "worked out from what happened".into(),
        LimitSource::Catalog { as_of } => format!("the catalogue, as of {as_of}"),
    }
}
