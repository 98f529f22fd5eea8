//! Reads a realtime session from the frames of its WebSocket: what its answers took, and what it says of its limits.

use std::time::Duration;

use jiff::Timestamp;

use super::counts::{Counts, Tokens};
use super::frames::{Frames, Part};
use super::framing::Text;
use crate::domain::{Certainty, Dimension, ModelId, Snapshot, Usage};
use crate::provider::json::{self, field, text};
use crate::provider::snapshot::told;

/// Fed with the bytes that a provider sends through a WebSocket, after the upgrade.
///
/// The events are OpenAI's: each `response.done` carries the usage of one answer, and `rate_limits.updated` the limits
/// (documented 2026). Messages that are compressed are not read.
#[derive(Debug, Default)]
pub struct SessionReader {
    frames: Frames,
    story: Story,
    event: Text,
}

#[derive(Debug, Default)]
struct Story {
    usage: Usage,
    /// Answers that began and are not over.
    open: u64,
    /// An event was too long to be kept.
    lost: bool,
    closed: bool,
}

impl SessionReader {
    /// The next bytes, as they came at `at`; `on_limits` hears what they say of limits.
    pub fn push(&mut self, bytes: &[u8], at: Timestamp, on_limits: &mut impl FnMut(Snapshot)) {
        let Self { frames, story, event } = self;
        frames.push(bytes, &mut |part| {
            let closed = part == Part::Close;
            let mut read = |json: Option<&[u8]>| match json {
                Some(json) => drop(story.read(json, at, on_limits)),
                None => story.lost = true,
            };
            match part {
                Part::Text(data) => event.push(data, &mut read),
                Part::End => event.end(&mut read),
                Part::Close => {}
            }
            story.closed |= closed;
        });
    }

    /// Whether the provider said that it closes.
    #[must_use]
    pub const fn closed(&self) -> bool {
        self.story.closed
    }

    /// What all answers took together.
    #[must_use]
    pub fn finish(self) -> Usage {
        let Story { mut usage, open, lost, .. } = self.story;
        usage.certainty = if open == 0 && !lost { Certainty::Exact } else { usage.certainty };
        usage
    }
}

impl Story {
    fn read(&mut self, json: &[u8], at: Timestamp, on_limits: &mut impl FnMut(Snapshot)) -> Option<()> {
        match &*text(field(json, b"type")?) {
            "session.created" | "session.updated" => {
                let model = text(field(field(json, b"session")?, b"model")?);
                self.usage.model = Some(ModelId::new(&model));
            }
            "response.created" => self.open += 1,
            "response.done" => {
                self.open = self.open.saturating_sub(1);
                let counts = Counts::of(field(field(json, b"response")?, b"usage")?)?;
                self.add(counts.tokens(false));
            }
            "rate_limits.updated" => {
                let readings: Vec<_> = json::items(field(json, b"rate_limits")?).filter_map(|limit| reading(limit, at)).collect();
                on_limits(Snapshot { readings, ..Snapshot::empty(at, 200) });
            }
            _ => {}
        }
        Some(())
    }

    fn add(&mut self, tokens: Tokens) {
        let usage = &mut self.usage;
        usage.input += tokens.input.unwrap_or(0);
        usage.cache_read += tokens.cache_read.unwrap_or(0);
        usage.output += tokens.output.unwrap_or(0);
        usage.reasoning += tokens.reasoning.unwrap_or(0);
        usage.certainty = Certainty::AtLeast;
    }
}

/// `{"name":"requests","limit":1000,"remaining":999,"reset_seconds":60}`
fn reading(limit: &[u8], at: Timestamp) -> Option<crate::domain::Reading> {
    let dimension = match &*text(field(limit, b"name")?) {
        "requests" => Dimension::Requests,
        "tokens" => Dimension::Tokens,
        "input_tokens" => Dimension::InputTokens,
        "output_tokens" => Dimension::OutputTokens,
        _ => return None,
    };
    let number = |name: &[u8]| serde_json::from_slice::<f64>(field(limit, name)?).ok();
    let count = |name: &[u8]| super::counts::count(field(limit, name)?);
    let reset = number(b"reset_seconds").and_then(|secs| Duration::try_from_secs_f64(secs).ok());
    told(dimension, count(b"limit"), count(b"remaining"), reset, at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Period;

    fn messages(events: &[&str]) -> Vec<u8> {
        let frame = |event: &&str| [&[0x81, 126][..], &u16::try_from(event.len()).unwrap().to_be_bytes(), event.as_bytes()].concat();
        events.iter().flat_map(frame).collect()
    }

    const SESSION: &str = r#"{"type":"session.created","session":{"model":"gpt-realtime-2.1"}}"#;
    const CREATED: &str = r#"{"type":"response.created","response":{"usage":null}}"#;
    const DONE: &str = r#"{"type":"response.done","response":{"usage":{"total_tokens":150,"input_tokens":100,"output_tokens":50,"input_token_details":{"cached_tokens":64}}}}"#;
    const LIMITS: &str = r#"{"type":"rate_limits.updated","rate_limits":[{"name":"requests","limit":1000,"remaining":999,"reset_seconds":0.06},{"name":"tokens","limit":50000,"remaining":49950,"reset_seconds":0.06},{"name":"sessions","limit":9}]}"#;

    fn read(events: &[&str]) -> (Usage, Vec<Snapshot>) {
        let (mut reader, mut limits) = (SessionReader::default(), Vec::new());
        for piece in messages(events).chunks(7) {
            reader.push(piece, Timestamp::UNIX_EPOCH, &mut |snapshot| limits.push(snapshot));
        }
        (reader.finish(), limits)
    }

    #[test]
    fn answers_of_a_session_add_up() {
        let sum = |answers: u64, certainty| Usage {
            input: 36 * answers,
            cache_read: 64 * answers,
            output: 50 * answers,
            certainty,
            model: Some(ModelId::new("gpt-realtime-2.1")),
            ..Usage::default()
        };
        for (events, expected) in [
            (&[SESSION][..], sum(0, Certainty::Exact)),
            (&[SESSION, CREATED, DONE, CREATED, DONE], sum(2, Certainty::Exact)),
            (&[SESSION, CREATED, DONE, CREATED], sum(1, Certainty::AtLeast)),
            (&[SESSION, CREATED, "no json", r#"{"type":"response.done"}"#], sum(0, Certainty::Exact)),
            (&[SESSION, CREATED], sum(0, Certainty::Unknown)),
        ] {
            assert_eq!(read(events).0, expected, "{events:?}");
        }
    }

    #[test]
    fn limits_are_read_from_their_event() {
        let (_, limits) = read(&[LIMITS]);
        let seen: Vec<_> = limits[0].readings.iter().map(|r| (r.dimension, r.period, r.limit, r.remaining)).collect();
        assert_eq!(
            seen,
            [
                (Dimension::Requests, Some(Period::MINUTE), Some(1000), Some(999)),
                (Dimension::Tokens, Some(Period::MINUTE), Some(50_000), Some(49_950)),
            ]
        );
    }
}
