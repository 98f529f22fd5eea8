//! The layers of a chart that is divided by client or model, the largest at the ground. Pure.

use crate::domain::query::Series;

/// One layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Whose.
    pub name: String,
    /// Which of the theme's colours of parts; `None` for what is left.
    pub color: Option<usize>,
    /// One value for each point.
    pub values: Vec<f64>,
}

/// As many names as there are colours; the rest is one layer.
pub const NAMED: usize = 6;

/// The layers of a chart, from the ground up.
#[must_use]
pub fn layers(series: &Series) -> Vec<Layer> {
    let named = series.parts.iter().take(NAMED).enumerate().map(|(at, part)| Layer {
        name: if part.name.is_empty() { "no model named".into() } else { part.name.clone() },
        color: Some(at),
        values: part.values.clone(),
    });
    let mut layers: Vec<Layer> = named.collect();
    let rest = |(step, point): (usize, &[f64; 2])| {
        let known: f64 = layers.iter().filter_map(|layer| layer.values.get(step)).sum();
        (point[1] - known).max(0.0)
    };
    let left: Vec<f64> = series.points.iter().enumerate().map(rest).collect();
    let all: f64 = series.points.iter().map(|p| p[1]).sum();
    if left.iter().sum::<f64>() > all * 1e-6 {
        let others = series.parts.len().saturating_sub(NAMED);
        let name = if others > 0 { format!("{others} others") } else { "not yet divided".into() };
        layers.push(Layer { name, color: None, values: left });
    }
    layers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::query::PartOf;

    #[test]
    fn what_has_no_part_of_its_own_is_one_layer() {
        let series = |all: f64, parts: &[(&str, f64)]| Series {
            points: vec![[0.0, all]],
            parts: parts.iter().map(|(name, n)| PartOf { name: (*name).into(), values: vec![*n] }).collect(),
            ..Series::default()
        };
        let check = |all: f64, parts: &[(&str, f64)], expect: &[(&str, f64)]| {
            let layers = layers(&series(all, parts));
            let found: Vec<(&str, f64)> = layers.iter().map(|layer| (layer.name.as_str(), layer.values[0])).collect();
            assert_eq!(found, expect);
        };
        check(3.0, &[("a", 2.0), ("", 1.0)], &[("a", 2.0), ("no model named", 1.0)]);
        check(3.0, &[("a", 2.0)], &[("a", 2.0), ("not yet divided", 1.0)]);
        let eight: Vec<(&str, f64)> = vec![("n", 1.0); 8];
        assert_eq!(layers(&series(8.0, &eight)).last().map(|l| (l.name.as_str(), l.values[0])), Some(("2 others", 2.0)));
        check(0.0, &[], &[]);
    }
}
