//! The numbers of a chart as CSV: a line for each step.

use std::io::{self, Write};

use super::{unwritable, would_mislead};
use crate::domain::Problem;
use crate::domain::query::Series;
use crate::store::row::time;

/// Columns before those of the parts.
const COLUMNS: [&str; 4] = ["at", "value", "highest_minute", "limit"];

/// Writes the chart and returns the number of steps. A part has the name of its client or model; requests that named none stand
/// under `unnamed`.
pub fn write(series: &Series, out: &mut dyn Write) -> Result<u64, Problem> {
    lines(series, out).map_err(unwritable)
}

fn lines(series: &Series, out: &mut dyn Write) -> io::Result<u64> {
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    let name = |name: &str| match name {
        "" => "unnamed".to_owned(),
        name if would_mislead(name) => format!("'{name}"),
        name => name.to_owned(),
    };
    csv.write_record(COLUMNS.into_iter().map(str::to_owned).chain(series.parts.iter().map(|part| name(&part.name))))?;
    let number = |n: Option<f64>| n.map_or_else(String::new, |n| n.to_string());
    for (step, [at, value]) in series.points.iter().enumerate() {
        let limit = series.limits.iter().rev().find(|limit| limit[0] <= *at).map(|limit| limit[1]);
        let peak = series.peaks.get(step).map(|peak| peak[1]);
        #[expect(clippy::cast_possible_truncation, reason = "whole milliseconds")]
        let at = format!("{:.3}", time((at * 1_000.0) as i64));
        let parts = series.parts.iter().map(|part| number(part.values.get(step).copied()));
        csv.write_record([at, number(Some(*value)), number(peak), number(limit)].into_iter().chain(parts))?;
    }
    csv.flush()?;
    Ok(series.points.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::query::PartOf;

    #[test]
    fn a_line_for_each_step_a_column_for_each_part() {
        let part = |name: &str, values: [f64; 2]| PartOf { name: name.into(), values: values.to_vec() };
        let series = Series {
            step_secs: 60,
            points: vec![[0.0, 1.5], [60.0, 2.0]],
            limits: vec![[30.0, 50.0]],
            parts: vec![part("agent", [1.0, 2.0]), part("=x", [0.5, 0.0]), part("", [0.0, 0.0])],
            ..Series::default()
        };
        let mut out = Vec::new();
        assert_eq!(write(&series, &mut out).unwrap(), 2);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "at,value,highest_minute,limit,agent,'=x,unnamed\r\n\
             1970-01-01T00:00:00.000Z,1.5,,,1,0.5,0\r\n\
             1970-01-01T00:01:00.000Z,2,,50,2,0,0\r\n"
        );
    }
}
