//! A `text/event-stream`, of which no more is read than can matter.
//!
//! Most APIs say who answers in their first event and what it took in the last ones, and an error ends the stream. Of such
//! a stream the events between are passed over unseen, as fast as memory is copied; only what is long is read in any case.

use memchr::{memchr2_iter, memrchr2};

use super::framing::{Piece, Text};
use super::pieces::Pieces;
use crate::domain::Api;
use crate::provider::sse::{Part, Sse};

/// How many events at the start are read: the model is in the first, if it is in any; keep-alives may come before it.
const FIRST: usize = 3;
/// How many at the end. The last words are one to three events.
const LAST: usize = 8;
/// How much may be put off before the part that is no longer the end is let go.
const MAX_PUT_OFF: usize = 16 * 1024;
/// An open event longer than this is read as it comes, in bounded memory.
const MAX_OPEN: usize = 64 * 1024;

/// The events of one answer, and the JSON that Gemini has been seen to put behind them.
#[derive(Debug)]
pub(super) struct Events {
    reading: Reading,
    /// How many more events are read as they come.
    due: usize,
    /// Whole events, and an open one, that are read if nothing follows them.
    put_off: Vec<u8>,
}

#[derive(Debug, Default)]
struct Reading {
    sse: Sse,
    event: Text,
    stray: Pieces,
}

impl Events {
    pub(super) fn of(api: Api) -> Self {
        // Gemini and the image APIs count what they made event by event
        let ends_tell = matches!(api, Api::Messages | Api::ChatCompletions | Api::Completions | Api::Responses);
        Self { reading: Reading::default(), due: if ends_tell { FIRST } else { usize::MAX }, put_off: Vec::new() }
    }

    pub(super) fn push(&mut self, mut bytes: &[u8], on: &mut impl FnMut(Piece<'_>)) {
        while self.due > 0 {
            let end = if self.due == usize::MAX { None } else { first_end(bytes) };
            let (event, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            self.due = self.due.saturating_sub(self.reading.push(event, on));
            bytes = rest;
            if bytes.is_empty() {
                return;
            }
        }
        if let Some(end) = put_off_from(bytes) {
            // what was put off before is not the end
            self.put_off.clear();
            bytes = bytes.get(end..).unwrap_or_default();
        }
        self.put_off.extend_from_slice(bytes);
        if self.put_off.len() > MAX_PUT_OFF {
            self.let_go(on);
        }
    }

    /// No more bytes come. An event that no blank line closed still counts; some servers leave the last one open.
    pub(super) fn close(mut self, on: &mut impl FnMut(Piece<'_>)) {
        let end = put_off_from(&self.put_off).unwrap_or(0);
        self.reading.push(self.put_off.get(end..).unwrap_or_default(), on);
        self.reading.finish(on);
    }

    #[cfg(test)]
    pub(super) const fn held(&self) -> usize {
        self.put_off.capacity() + self.reading.event.held() + self.reading.stray.held()
    }

    fn let_go(&mut self, on: &mut impl FnMut(Piece<'_>)) {
        self.put_off.drain(..put_off_from(&self.put_off).unwrap_or(0));
        if self.put_off.len() > MAX_OPEN {
            self.due = 1;
            self.reading.push(&std::mem::take(&mut self.put_off), on);
        }
    }
}

impl Reading {
    /// Reads on; how many events ended.
    fn push(&mut self, bytes: &[u8], on: &mut impl FnMut(Piece<'_>)) -> usize {
        let Self { sse, event, stray } = self;
        let mut ended = 0;
        sse.push(bytes, &mut |part| {
            ended += usize::from(part == Part::End);
            take(event, stray, part, on);
        });
        ended
    }

    fn finish(&mut self, on: &mut impl FnMut(Piece<'_>)) {
        let Self { sse, event, stray } = self;
        sse.finish(&mut |part| take(event, stray, part, on));
    }
}

fn take(event: &mut Text, stray: &mut Pieces, part: Part<'_>, on: &mut impl FnMut(Piece<'_>)) {
    let mut on = |piece: Option<&[u8]>| on(piece.map_or(Piece::Lost, Piece::Event));
    match part {
        Part::Data(data) => event.push(data, &mut on),
        Part::End => event.end(&mut on),
        Part::Stray(bytes) => stray.push(bytes, &mut on),
    }
}

/// Where the events begin that are the end of a stream if nothing follows these bytes; `None` if there are no others.
fn put_off_from(bytes: &[u8]) -> Option<usize> {
    let mut from = bytes.len();
    for _ in 0..=LAST {
        from = last_blank(bytes.get(..from)?)?;
    }
    Some(from + 1)
}

/// Where the first blank line of these bytes ends.
fn first_end(bytes: &[u8]) -> Option<usize> {
    memchr2_iter(b'\n', b'\r', bytes).find(|at| is_blank(bytes, *at)).map(|at| at + 1)
}

/// The last byte of the last blank line.
fn last_blank(bytes: &[u8]) -> Option<usize> {
    let mut before = bytes.len();
    loop {
        before = memrchr2(b'\n', b'\r', bytes.get(..before)?)?;
        if is_blank(bytes, before) {
            return Some(before);
        }
    }
}

/// Whether the line that ends at `at` is empty, and the one before it was seen to end.
fn is_blank(bytes: &[u8], at: usize) -> bool {
    let Some((end, before)) = bytes.get(..=at).and_then(<[u8]>::split_last) else { return false };
    // CR and LF together end one line
    let before = if *end == b'\n' { before.strip_suffix(b"\r").unwrap_or(before) } else { before };
    matches!(before.last(), Some(b'\n' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_end_events_however_lines_end() {
        for (bytes, first, last) in [
            ("", None, None),
            ("data: a\n", None, None),
            ("data: a\n\ndata: b\n\ndata: c\n", Some(9), Some(18)),
            ("data: a\r\n\r\ndata: b\r\n\r\ndata", Some(10), Some(22)),
            ("data: a\r\rdata: b\r\rd", Some(9), Some(18)),
            ("data: a\r\ndata: b\r\n", None, None),
            ("\n", None, None),
        ] {
            let last_end = last_blank(bytes.as_bytes()).map(|at| at + 1);
            assert_eq!((first_end(bytes.as_bytes()), last_end), (first, last), "{bytes:?}");
        }
    }

    /// The events that are handed out of a stream in pieces of this size.
    fn read(api: Api, stream: &str, size: usize) -> Vec<String> {
        let (mut events, mut found) = (Events::of(api), Vec::new());
        let mut on = |piece: Piece<'_>| match piece {
            Piece::Event(data) | Piece::Whole(data) => found.push(String::from_utf8(data.to_vec()).unwrap()),
            Piece::Lost => found.push("lost".into()),
        };
        for piece in stream.as_bytes().chunks(size) {
            events.push(piece, &mut on);
            assert!(events.held() < 4 * MAX_OPEN);
        }
        events.close(&mut on);
        found
    }

    #[test]
    fn of_a_long_stream_the_ends_are_read_and_what_is_long() {
        let event = |name: &str| format!("event: x\ndata: {{\"{name}\":\"{}\"}}\n\n", "y".repeat(100));
        let filler = |count: usize| (0..count).map(|_| event("between")).collect::<String>();
        let long = format!("data: {{\"long\":\"{}\",\"after\":1}}\n\n", "z".repeat(4 * MAX_OPEN));
        let stream = event("first") + &filler(2_000) + &long + &filler(2_000) + &event("last but one") + "data: [DONE]";
        for size in [1, 7, 150, 16 * 1024, 64 * 1024] {
            let found = read(Api::ChatCompletions, &stream, size);
            let has = |name: &str| found.iter().any(|event| event.contains(name));
            assert!(found.len() < 200, "{size}: {} events were read", found.len());
            assert!(has("first") && has("after") && has("last but one") && has("[DONE]"), "{size}");
        }
        assert_eq!(read(Api::GenerateContent, &stream, 16 * 1024).len(), 4_004);
    }
}
