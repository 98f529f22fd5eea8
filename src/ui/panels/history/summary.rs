//! A chart in words, for the side of it and for people who cannot see it. Pure.

use crate::domain::query::{Measure, Series};

use super::super::super::format;

/// What a chart says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Name and value, in reading order.
    pub facts: Vec<(&'static str, String)>,
    /// Whether a limit is known.
    pub has_limit: bool,
    /// Whether highest minutes are known: of rates, not of averages.
    pub has_peaks: bool,
    /// Length of one step.
    pub step_secs: u32,
    /// Some minute took more than the limit.
    pub is_above: bool,
    name: &'static str,
}

/// Puts a series into words.
#[must_use]
pub fn of(measure: Measure, series: &Series) -> Summary {
    let name = super::MEASURES.iter().find(|(m, _)| *m == measure).map_or("", |(_, name)| *name);
    let values = || series.points.iter().map(|p| p[1]);
    let top = |points: &[[f64; 2]]| points.iter().map(|p| p[1]).fold(0.0, f64::max);
    let peak = top(&series.points).max(top(&series.peaks));
    let highest = if series.peaks.is_empty() && !series.trailing { "Highest step" } else { "Highest minute" };
    let mut facts = vec![("Mean", format::measured(measure, mean(values()))), (highest, format::measured(measure, peak))];

    let minutes = f64::from(series.step_secs) / 60.0;
    let total: f64 = values().sum::<f64>() * minutes;
    match measure {
        // minutes that overlap add up to nothing
        measure if !measure.adds_up() || series.trailing => {}
        Measure::CostNanos => facts.push(("In all", format::money(whole(total)))),
        _ => facts.push(("In all", format::short(whole(total)))),
    }
    let limit = series.limits.last().map(|l| l[1]).filter(|l| *l > 0.0);
    if let Some(limit) = limit {
        facts.push(("Limit now", format::measured(measure, limit)));
        facts.push(("Nearest to a limit", format!("{}{}%", whole(nearest(series) * 100.0), format::THIN)));
    }
    if series.limits.len() > 1 {
        facts.push(("Limit changes", (series.limits.len() - 1).to_string()));
    }
    let is_above = limit.is_some() && nearest(series) > 1.0;
    Summary { facts, has_limit: limit.is_some(), has_peaks: !series.peaks.is_empty(), step_secs: series.step_secs, is_above, name }
}

impl Summary {
    /// One sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let facts: Vec<String> = self.facts.iter().map(|(name, value)| format!("{}: {value}", name.to_lowercase())).collect();
        format!("Chart of {}. {}.", self.name.to_lowercase(), facts.join(", "))
    }
}

/// The highest share of the limit that held at that time.
fn nearest(series: &Series) -> f64 {
    let share = |point: &[f64; 2]| {
        let limit = series.limits.iter().rev().find(|l| l[0] <= point[0]).or(series.limits.first()).map_or(0.0, |l| l[1]);
        if limit > 0.0 { point[1] / limit } else { 0.0 }
    };
    series.points.iter().chain(&series.peaks).map(share).fold(0.0, f64::max)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_u64), |(sum, count), v| (sum + v, count + 1));
    if count == 0 { 0.0 } else { sum / count as f64 }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped just before")]
fn whole(value: f64) -> u64 {
    value.clamp(0.0, 1e18).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_told_in_words() {
        let series = Series {
            step_secs: 120,
            points: vec![[0.0, 1_000.0], [120.0, 3_000.0]],
            peaks: vec![[0.0, 1_500.0], [120.0, 6_000.0]],
            limits: vec![[0.0, 8_000.0]],
            ..Series::default()
        };
        let text = of(Measure::OutputTokens, &series).sentence().replace(format::THIN, " ");
        assert_eq!(
            text,
            "Chart of output tokens. mean: 2 000/min, highest minute: 6 000/min, in all: 8 000, limit now: 8 000/min, nearest to a limit: 75 %."
        );
    }

    #[test]
    fn without_points_nothing_is_divided() {
        let text = of(Measure::WaitMillis, &Series::default());
        assert_eq!((text.has_limit, text.facts.len()), (false, 2));
    }
}
