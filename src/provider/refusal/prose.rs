//! What providers say in sentences: limits with their dimension and window, and numbers with a label. All texts in lower case.

use crate::domain::{Dimension, Period};

/// A dimension over a window, and the number that stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mention {
    pub(super) dimension: Dimension,
    pub(super) period: Period,
    pub(super) limit: Option<u64>,
    /// Where the words after it start.
    pub(super) end: usize,
}

/// Every `[N] <things> per <time>` in the text, in order: `30,000 input tokens per minute`, `requests per day`.
pub(super) fn mentions(lower: &str) -> Vec<Mention> {
    let words = words(lower);
    let word = |i: usize| words.get(i).map_or("", |(_, word)| *word);
    let back = |i: usize, by: usize| i.checked_sub(by).map_or("", word);
    // a number that is the end of a name, as in `gpt-4 tokens`, is no limit
    let stands_alone = |i: usize, by: usize| {
        let start = i.checked_sub(by).and_then(|i| words.get(i)).map_or(0, |(at, _)| *at);
        !lower[..start].ends_with(['-', '_', '.'])
    };
    let mention = |i: usize| {
        if word(i) != "per" {
            return None;
        }
        let period = period(word(i + 1))?;
        let (dimension, len) = things(back(i, 1), back(i, 2), back(i, 3))?;
        let end = words.get(i + 1).map_or(lower.len(), |(at, word)| at + word.len());
        Some(Mention { dimension, period, limit: count(back(i, len + 1)).filter(|_| stands_alone(i, len + 1)), end })
    };
    (0..words.len()).filter_map(mention).collect()
}

/// The dimension and window of an abbreviation that stands alone, as in `(TPM)`; `None` if there are several.
pub(super) fn abbreviation(lower: &str) -> Option<(Dimension, Period)> {
    let mut found = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(|word| {
        Some(match word {
            "rps" => (Dimension::Requests, Period::SECOND),
            "rpm" => (Dimension::Requests, Period::MINUTE),
            "rph" => (Dimension::Requests, Period::HOUR),
            "rpd" => (Dimension::Requests, Period::DAY),
            "tpm" => (Dimension::Tokens, Period::MINUTE),
            "tph" => (Dimension::Tokens, Period::HOUR),
            "tpd" => (Dimension::Tokens, Period::DAY),
            "itpm" => (Dimension::InputTokens, Period::MINUTE),
            "otpm" => (Dimension::OutputTokens, Period::MINUTE),
            "ipm" => (Dimension::Images, Period::MINUTE),
            "ipd" => (Dimension::Images, Period::DAY),
            "ash" | "asph" => (Dimension::AudioSeconds, Period::HOUR),
            "asd" | "aspd" => (Dimension::AudioSeconds, Period::DAY),
            _ => return None,
        })
    });
    let first = found.next()?;
    if found.all(|other| other == first) { Some(first) } else { None }
}

/// The window alone, where what is counted has no name here: `audio megabytes per min`.
pub(super) fn window(lower: &str) -> Option<Period> {
    let words = words(lower);
    words.windows(2).find_map(|pair| if pair[0].1 == "per" { period(pair[1].1) } else { None })
}

/// The number behind a label: `limit 30000`, `limit: 10000 / min`, `requested ~12903`.
pub(super) fn labelled(lower: &str, label: &str) -> Option<u64> {
    lower.match_indices(label).find_map(|(at, _)| {
        let starts = !lower[..at].ends_with(|c: char| c.is_alphanumeric());
        let rest = &lower[at + label.len()..];
        let number = rest.trim_start_matches([' ', ':', '~', '=']);
        if starts && number.len() < rest.len() { leading_count(number) } else { None }
    })
}

/// The whole number at the start, thousands separated by commas or not. `None` where it could be read in two ways:
/// `0,6` and `30.000` are fractions to some, `30 000` is two numbers to others.
pub(super) fn leading_count(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let mut len = digits(0);
    let mut number = text[..len].to_owned();
    while bytes.get(len) == Some(&b',') && digits(len + 1) > 0 {
        if digits(len + 1) != 3 {
            return None;
        }
        number.push_str(&text[len + 1..len + 4]);
        len += 4;
    }
    let more = match bytes.get(len) {
        Some(b'.') => digits(len + 1) > 0,
        Some(b' ') => digits(len + 1) == 3,
        _ => false,
    };
    if more { None } else { number.parse().ok() }
}

/// A word that is a whole number.
fn count(word: &str) -> Option<u64> {
    let word = word.trim_start_matches('~');
    leading_count(word).filter(|_| word.bytes().all(|b| b.is_ascii_digit() || b == b','))
}

/// What is counted, by the last words before `per`, and how many words that took.
fn things(last: &str, before: &str, first: &str) -> Option<(Dimension, usize)> {
    Some(match (first, before, last) {
        ("seconds", "of", "audio") => (Dimension::AudioSeconds, 3),
        (_, "audio", "seconds") => (Dimension::AudioSeconds, 2),
        (_, "input" | "prompt", "tokens" | "token") => (Dimension::InputTokens, 2),
        (_, "output" | "completion" | "generated", "tokens" | "token") => (Dimension::OutputTokens, 2),
        (_, _, "tokens" | "token") => (Dimension::Tokens, 1),
        (_, "input", "images") => (Dimension::Images, 2),
        (_, _, "requests" | "request" | "queries" | "calls") => (Dimension::Requests, 1),
        (_, _, "images" | "image") => (Dimension::Images, 1),
        _ => return None,
    })
}

fn period(word: &str) -> Option<Period> {
    Some(match word {
        "second" | "sec" => Period::SECOND,
        "minute" | "min" => Period::MINUTE,
        "hour" => Period::HOUR,
        "day" => Period::DAY,
        "month" => Period::MONTH,
        _ => return None,
    })
}

/// Words with where they start; hyphens and underscores part words, punctuation around them is dropped.
fn words(lower: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut at = 0;
    for piece in lower.split(|c: char| c.is_whitespace() || c == '-' || c == '_') {
        let start = piece.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '~');
        let word = start.trim_end_matches(|c: char| !c.is_alphanumeric());
        if !word.is_empty() {
            words.push((at + piece.len() - start.len(), word));
        }
        // every separator above is one byte long, but for exotic white space
        at += piece.len() + lower[at + piece.len()..].chars().next().map_or(0, char::len_utf8);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_name_dimension_window_and_number() {
        use Dimension::{AudioSeconds, Images, InputTokens, OutputTokens, Requests, Tokens};
        for (text, dimension, period, limit) in [
            ("rate limit of 30,000 input tokens per minute (org: x)", InputTokens, Period::MINUTE, Some(30_000)),
            ("rate limit of 8,000 output tokens per minute", OutputTokens, Period::MINUTE, Some(8_000)),
            ("rate limit of 50 requests per minute", Requests, Period::MINUTE, Some(50)),
            ("on tokens per min (tpm): limit 30000", Tokens, Period::MINUTE, None),
            ("on requests per day (rpd): limit 200", Requests, Period::DAY, None),
            ("requests per minute limit exceeded - too many", Requests, Period::MINUTE, None),
            ("gemini 2.5 pro requests per day per user per tier", Requests, Period::DAY, None),
            ("on seconds of audio per hour (ash): limit 7200", AudioSeconds, Period::HOUR, None),
            ("on images per min: limit 5", Images, Period::MINUTE, None),
            ("maximum rate limit is 0.6 queries per minute", Requests, Period::MINUTE, None),
            ("6,000 requests-per-minute", Requests, Period::MINUTE, Some(6_000)),
            ("reached for gpt-4 tokens per min", Tokens, Period::MINUTE, None),
            ("limited to 0,6 requests per minute", Requests, Period::MINUTE, None),
        ] {
            let found = mentions(text);
            let first = found.first().map(|m| (m.dimension, m.period, m.limit));
            assert_eq!(first, Some((dimension, period, limit)), "{text}");
        }
        assert_eq!(mentions("cost per token, one per customer, per minute"), []);
    }

    #[test]
    fn labels_carry_numbers() {
        for (text, label, expect) in [
            ("limit 30000, used 22999, requested 12528.", "limit", Some(30_000)),
            ("limit 30000, used 22999, requested 12528.", "used", Some(22_999)),
            ("limit 7000, used 0, requested ~12903. please", "requested", Some(12_903)),
            ("rate limit reached on requests per min. limit: 10000 / min.", "limit", Some(10_000)),
            ("metric: x, limit: 0, model: gemini-2.0-flash", "limit", Some(0)),
            ("your limit is high", "limit", None),
            ("unlimited 5", "limit", None),
            ("limited 5", "limit", None),
            ("limit 0.6", "limit", None),
            ("limit 0,6", "limit", None),
            ("limit 1,234,567, used", "limit", Some(1_234_567)),
            ("limit 30 000, used", "limit", None),
            ("limit 30.000, used", "limit", None),
            ("limit 30 requests", "limit", Some(30)),
            ("limit 99999999999999999999999", "limit", None),
        ] {
            assert_eq!(labelled(text, label), expect, "{text}");
        }
        assert_eq!(window("on audio megabytes per min: limit 25"), Some(Period::MINUTE));
        assert_eq!(window("per customer"), None);
        assert_eq!(abbreviation("on tokens (tpm): limit"), Some((Dimension::Tokens, Period::MINUTE)));
        assert_eq!(abbreviation("no such word"), None);
        assert_eq!(abbreviation("crossed tpm / rpm limit"), None);
    }
}
