//! Prometheus' text format, version 0.0.4: families of samples, each with its help and type.

use std::fmt::Write;

use crate::journal::histogram::Histogram;

/// A page in the making.
#[derive(Debug, Default)]
pub(super) struct Text(String);

/// How a family's samples are to be read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Names and values that tell the samples of one family apart.
pub(super) type Labels<'a> = &'a [(&'a str, &'a str)];

impl Text {
    pub(super) fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
    }

    pub(super) fn sample(&mut self, name: &str, labels: Labels<'_>, value: f64) {
        let labels = written(labels);
        self.line(format_args!("{name}{labels} {value}"));
    }

    pub(super) fn count(&mut self, name: &str, labels: Labels<'_>, value: u64) {
        let labels = written(labels);
        self.line(format_args!("{name}{labels} {value}"));
    }

    pub(super) fn histogram(&mut self, name: &str, labels: Labels<'_>, histogram: &Histogram) {
        let bucket = format!("{name}_bucket");
        for (bound, count) in histogram.cumulative() {
            self.count(&bucket, &with(labels, ("le", &bound.to_string())), count);
        }
        self.count(&bucket, &with(labels, ("le", "+Inf")), histogram.count());
        self.sample(&format!("{name}_sum"), labels, histogram.sum());
        self.count(&format!("{name}_count"), labels, histogram.count());
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // a string takes everything
        let _ = writeln!(self.0, "{line}");
    }
}

/// These labels and one more.
pub(super) fn with<'a>(labels: Labels<'a>, more: (&'a str, &'a str)) -> Vec<(&'a str, &'a str)> {
    labels.iter().copied().chain([more]).collect()
}

fn written(labels: Labels<'_>) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

/// Clients choose some of these texts.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_end_its_line_or_begin_another() {
        let mut text = Text::default();
        text.family("a_total", Kind::Counter, "What is counted.");
        text.count("a_total", &[("model", "x\"} 1\n\\\u{1b}"), ("n", "")], 7);
        assert_eq!(
            text.into_string(),
            "# HELP a_total What is counted.\n# TYPE a_total counter\na_total{model=\"x\\\"} 1\\n\\\\\u{fffd}\",n=\"\"} 7\n"
        );
    }

    #[test]
    fn a_histogram_ends_with_all_of_it() {
        let mut histogram = Histogram::new(&[0.5, 10.0]);
        histogram.observe(2.0);
        let mut text = Text::default();
        text.histogram("h", &[("a", "b")], &histogram);
        let expect = [
            "h_bucket{a=\"b\",le=\"0.5\"} 0",
            "h_bucket{a=\"b\",le=\"10\"} 1",
            "h_bucket{a=\"b\",le=\"+Inf\"} 1",
            "h_sum{a=\"b\"} 2",
            "h_count{a=\"b\"} 1\n",
        ];
        assert_eq!(text.into_string(), expect.join("\n"));
    }
}
