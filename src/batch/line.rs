//! A row's line in the output: OpenAI's batch form, with what Tierline knows beside it.

use serde::Serialize;
use serde_json::Value;

use super::judge::Answered;

/// Everything but the answer's body, which goes in as it came.
#[derive(Serialize)]
struct Beside<'a> {
    error: Option<&'a Value>,
    usage: Option<Tokens>,
    cost_usd: Option<f64>,
    attempts: u64,
    sends: u64,
    wait_ms: u64,
}

#[derive(Serialize)]
struct Tokens {
    input: u64,
    cache_read: u64,
    cache_write: u64,
    output: u64,
    reasoning: u64,
}

/// The line, without a line break. `sends` is how often the row left this process.
pub(super) fn line(custom_id: &str, input_line: u64, sends: u64, answered: &Answered) -> String {
    let usage = &answered.usage;
    let known = usage.total() > 0;
    let beside = Beside {
        error: answered.error.as_ref(),
        usage: known.then_some(Tokens {
            input: usage.input,
            cache_read: usage.cache_read,
            cache_write: usage.cache_write,
            output: usage.output,
            reasoning: usage.reasoning,
        }),
        #[expect(clippy::cast_precision_loss, reason = "written with nine decimals at most")]
        cost_usd: answered.cost_nanos.map(|nanos| nanos as f64 / 1e9),
        attempts: answered.attempts,
        sends,
        wait_ms: answered.wait_millis,
    };
    let response = match answered.status {
        None => "null".to_owned(),
        Some(status) => {
            format!(r#"{{"status_code":{status},"request_id":{},"body":{}}}"#, json(&answered.request_id), one_line(&answered.body))
        }
    };
    let beside = json(&beside);
    format!(r#"{{"custom_id":{},"line":{input_line},"response":{response},{}"#, json(&custom_id), &beside[1..])
}

/// Text, numbers and structs of them always have a JSON form.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".into())
}

/// A body on one line: JSON without the blanks between its parts, anything else as a JSON string.
fn one_line(body: &[u8]) -> String {
    if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_err() {
        return Value::String(String::from_utf8_lossy(body).into_owned()).to_string();
    }
    let mut out = Vec::with_capacity(body.len());
    let (mut quoted, mut escaped) = (false, false);
    for byte in body {
        if quoted {
            quoted = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
        } else if byte.is_ascii_whitespace() {
            continue;
        } else {
            quoted = *byte == b'"';
        }
        out.push(*byte);
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Certainty, Usage};

    #[test]
    fn a_line_is_json_on_one_line_and_keeps_the_body() {
        let body = b"{\n  \"b\": \"x \\\" {y\",\n  \"a\": [1, 2.50]\n}";
        let answered = Answered {
            status: Some(200),
            request_id: Some("req_1".into()),
            body: body.as_slice().into(),
            usage: Usage { input: 3, output: 4, certainty: Certainty::Exact, ..Usage::default() },
            cost_nanos: Some(23_000),
            attempts: 1,
            wait_millis: 12,
            ..Answered::default()
        };
        assert_eq!(
            line("a\"1", 7, 1, &answered),
            r#"{"custom_id":"a\"1","line":7,"response":{"status_code":200,"request_id":"req_1","body":{"b":"x \" {y","a":[1,2.50]}},"error":null,"usage":{"input":3,"cache_read":0,"cache_write":0,"output":4,"reasoning":0},"cost_usd":0.000023,"attempts":1,"sends":1,"wait_ms":12}"#
        );
    }

    #[test]
    fn a_body_that_is_no_json_becomes_text() {
        assert_eq!(one_line(b"bad \n gateway"), r#""bad \n gateway""#);
    }
}
