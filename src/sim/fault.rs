//! What can go wrong, and when it does.

use std::str::FromStr;

use serde::Deserialize;

use super::rng::Rng;

/// One thing that goes wrong. The first five are answers instead of the real one and take nothing from the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A 429 that names no limit.
    Status429,
    /// 529 at Anthropic, 503 elsewhere.
    Overloaded,
    /// 500.
    Status500,
    /// An error page of a CDN, 502.
    HtmlPage,
    /// No money left: 400, 402 or 429, as the provider has it.
    NoCredit,
    /// The connection is reset before the head.
    ResetBeforeHead,
    /// The connection is reset in the middle of the body.
    ResetMidStream,
    /// The first byte comes so many milliseconds later.
    SlowFirstByte(u64),
    /// No answer ever.
    Hang,
    /// The body stops in the middle and never goes on.
    StallMidStream,
    /// The body ends in the middle, as if that were all.
    CutWithoutFinalEvent,
    /// 200 and a body that is not JSON.
    GarbageBody,
    /// An error event in the middle of a stream; other answers are not touched.
    StreamErrorEvent,
    /// The body is compressed, if the client accepts that.
    Gzip,
}

/// When things go wrong: by chance, or at a request with a certain number.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// A fault and the share of requests that it hits, tried in this order.
    pub rates: Vec<(Fault, f64)>,
    /// Faults at certain requests.
    pub script: Vec<ScriptedFault>,
}

/// A fault at one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedFault {
    /// Which request, counted from 1 in the order of arrival.
    pub request: u64,
    /// What goes wrong.
    pub fault: Fault,
}

impl Faults {
    /// Everything for `fault` at these requests.
    #[must_use]
    pub fn at(fault: Fault, requests: impl IntoIterator<Item = u64>) -> Self {
        Self { rates: Vec::new(), script: requests.into_iter().map(|request| ScriptedFault { request, fault }).collect() }
    }

    /// What goes wrong with this request, if anything does.
    pub(super) fn pick(&self, request: u64, rng: &Rng) -> Option<Fault> {
        let scripted = self.script.iter().find(|entry| entry.request == request).map(|entry| entry.fault);
        scripted.or_else(|| self.rates.iter().find(|(_, rate)| rng.chance(*rate)).map(|(fault, _)| *fault))
    }

    /// Adds what one `--fault` says.
    pub(super) fn add(&mut self, told: FaultArg) {
        match told {
            FaultArg::Rate(fault, rate) => self.rates.push((fault, rate)),
            FaultArg::At(fault, request) => self.script.push(ScriptedFault { request, fault }),
        }
    }
}

/// `KIND:RATE` or `KIND@REQUEST`, where a kind is a fault's name with dashes and, for a slow first byte, `=MILLISECONDS`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum FaultArg {
    Rate(Fault, f64),
    At(Fault, u64),
}

impl FromStr for FaultArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((kind, rate)) = text.split_once(':') {
            let rate: f64 = rate.parse().map_err(|_| format!("{rate:?} is not a rate; write a share from 0 to 1"))?;
            if !(0.0..=1.0).contains(&rate) {
                return Err(format!("the rate {rate} is not from 0 to 1"));
            }
            return Ok(Self::Rate(kind_of(kind)?, rate));
        }
        let (kind, request) = text.split_once('@').ok_or_else(|| format!("{text:?} is neither KIND:RATE nor KIND@REQUEST"))?;
        let request = request.parse().map_err(|_| format!("{request:?} is not the number of a request; the first is 1"))?;
        Ok(Self::At(kind_of(kind)?, request))
    }
}

fn kind_of(text: &str) -> Result<Fault, String> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    Ok(match name {
        "429" | "status-429" => Fault::Status429,
        "overloaded" | "529" | "503" => Fault::Overloaded,
        "500" | "status-500" => Fault::Status500,
        "html-page" => Fault::HtmlPage,
        "no-credit" => Fault::NoCredit,
        "reset-before-head" => Fault::ResetBeforeHead,
        "reset-mid-stream" => Fault::ResetMidStream,
        "slow-first-byte" => {
            Fault::SlowFirstByte(value.parse().map_err(|_| "a slow first byte needs its milliseconds, as in slow-first-byte=3000:0.1")?)
        }
        "hang" => Fault::Hang,
        "stall-mid-stream" => Fault::StallMidStream,
        "cut-without-final-event" => Fault::CutWithoutFinalEvent,
        "garbage-body" => Fault::GarbageBody,
        "stream-error-event" => Fault::StreamErrorEvent,
        "gzip" => Fault::Gzip,
        _ => {
            return Err(format!(
                "{name:?} is not a fault; the faults are 429, overloaded, 500, html-page, no-credit, reset-before-head, reset-mid-stream, \
                 slow-first-byte=MS, hang, stall-mid-stream, cut-without-final-event, garbage-body, stream-error-event, gzip"
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_on_the_command_line_is_a_rate_or_a_request() {
        assert_eq!("overloaded:0.05".parse(), Ok(FaultArg::Rate(Fault::Overloaded, 0.05)));
        assert_eq!("slow-first-byte=3000@7".parse(), Ok(FaultArg::At(Fault::SlowFirstByte(3000), 7)));
        for wrong in ["overloaded", "overloaded:2", "overloaded:x", "slow-first-byte:0.1", "flood:0.1", "gzip@first"] {
            assert!(wrong.parse::<FaultArg>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_script_goes_before_chance_and_rates_hit_about_as_often_as_told() {
        let mut faults = Faults::at(Fault::Hang, [3]);
        faults.rates.push((Fault::Gzip, 0.25));
        let rng = Rng::new(7);
        let hits = (1..=4_000).filter(|n| faults.pick(*n, &rng) == Some(Fault::Gzip)).count();
        assert!((900..1_100).contains(&hits), "{hits}");
        assert_eq!(faults.pick(3, &rng), Some(Fault::Hang));
    }
}
