//! The answer to a request before it is written down in some API's form.

use std::borrow::Cow;

use super::tool::ToolCall;

/// Sixteen words of four characters, twice, so that any sixteen in a row are one slice. One word is one token.
const WORDS: &str = "the old fox ran far and hid his red hat for one day but all saw \
                     the old fox ran far and hid his red hat for one day but all saw ";
const WORD: usize = 4;
const CYCLE: u64 = 16;

/// What goes into an answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) id: String,
    pub(super) model: String,
    /// Unix seconds.
    pub(super) created: i64,
    pub(super) input: InputUsage,
    /// Output tokens of each choice.
    pub(super) length: u64,
    pub(super) choices: u64,
    pub(super) tool: Option<ToolCall>,
    pub(super) end: End,
    /// How many tokens one piece of a stream brings.
    pub(super) step: u64,
}

/// Input tokens, by what the cache did to them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct InputUsage {
    pub(super) plain: u64,
    pub(super) cache_read: u64,
    pub(super) cache_write: u64,
    /// The part of `cache_write` that stays for an hour.
    pub(super) cache_write_long: u64,
}

impl InputUsage {
    pub(super) const fn total(self) -> u64 {
        self.plain + self.cache_read + self.cache_write
    }
}

/// Why the answer ends where it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Stop,
    /// Max tokens are reached.
    Length,
    Tool,
}

impl Answer {
    /// Output tokens of all choices.
    pub(super) const fn output(&self) -> u64 {
        self.length * self.choices
    }

    /// The words of one choice.
    pub(super) fn text(&self) -> String {
        let mut text = String::with_capacity(usize::try_from(self.length).unwrap_or(0).saturating_mul(WORD));
        let mut left = self.length;
        while left > 0 {
            let part = left.min(CYCLE);
            text.push_str(words(0, part));
            left -= part;
        }
        text
    }

    /// The arguments of the tool call as text.
    pub(super) fn arguments(&self) -> String {
        self.tool.as_ref().map_or_else(String::new, |call| call.arguments.to_string())
    }

    /// What a stream brings, piece by piece: the words, or the arguments of the tool call.
    pub(super) fn pieces(&self) -> Pieces {
        let source = if self.tool.is_some() { Source::Arguments(self.arguments()) } else { Source::Words };
        Pieces { source, at: 0, length: self.length, step: self.step.clamp(1, CYCLE), index: 0 }
    }
}

/// A part of a streamed answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Counted from 0.
    pub(super) index: u64,
    pub(super) text: Cow<'static, str>,
    /// Tokens of this choice up to and including this piece.
    pub(super) tokens: u64,
}

/// Cuts an answer into pieces, lazily: a long answer is never in memory as a whole.
#[derive(Debug)]
pub(super) struct Pieces {
    source: Source,
    /// Words or bytes that were taken.
    at: u64,
    length: u64,
    step: u64,
    index: u64,
}

#[derive(Debug)]
enum Source {
    Words,
    /// ASCII or not: cut at characters.
    Arguments(String),
}

impl Iterator for Pieces {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let (text, tokens) = match &self.source {
            Source::Words => {
                let count = self.step.min(self.length.checked_sub(self.at).filter(|left| *left > 0)?);
                let text = words(self.at % CYCLE, count);
                self.at += count;
                (Cow::Borrowed(text), self.at)
            }
            Source::Arguments(all) => {
                let start = usize::try_from(self.at).ok().filter(|start| *start < all.len())?;
                let cut = |from: usize| (from..all.len()).find(|at| all.is_char_boundary(*at)).unwrap_or(all.len());
                let end = cut(start + 16);
                self.at = u64::try_from(end).unwrap_or(u64::MAX);
                let share = u128::from(self.length) * u128::from(self.at) / u128::try_from(all.len()).unwrap_or(1);
                (Cow::Owned(all.get(start..end)?.to_owned()), u64::try_from(share).unwrap_or(self.length))
            }
        };
        let index = self.index;
        self.index += 1;
        Some(Piece { index, text, tokens })
    }
}

/// `count` words from the one at `from` on; no more than sixteen.
fn words(from: u64, count: u64) -> &'static str {
    let byte = |word: u64| usize::try_from(word).unwrap_or(0) * WORD;
    WORDS.get(byte(from)..byte(from + count)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(length: u64, step: u64, tool: Option<ToolCall>) -> Answer {
        let input = InputUsage::default();
        Answer { id: String::new(), model: String::new(), created: 0, input, length, choices: 1, tool, end: End::Stop, step }
    }

    #[test]
    fn the_pieces_make_the_whole_text() {
        for (length, step) in [(0, 4), (1, 4), (7, 3), (64, 16), (1_000, 99), (33, 1)] {
            let answer = answer(length, step, None);
            let pieces: Vec<Piece> = answer.pieces().collect();
            assert_eq!(pieces.iter().map(|piece| &*piece.text).collect::<String>(), answer.text(), "{length} by {step}");
            assert_eq!(answer.text().split_whitespace().count() as u64, length);
            assert_eq!(pieces.last().map_or(0, |piece| piece.tokens), length);
        }
    }

    #[test]
    fn the_pieces_make_the_whole_arguments() {
        let call = ToolCall { name: "t".into(), arguments: json!({"city": "Zürich, the one with the lake", "days": 3}) };
        let answer = answer(20, 4, Some(call));
        let pieces: Vec<Piece> = answer.pieces().collect();
        assert!(pieces.len() > 2);
        assert_eq!(pieces.iter().map(|piece| &*piece.text).collect::<String>(), answer.arguments());
        assert_eq!(pieces.last().map(|piece| piece.tokens), Some(20));
    }
}
