//! Splits a `text/event-stream` into the data of its events, wherever the bytes are cut.
//!
//! Knows lines and the field `data`, nothing of what stands in it. Keeps no bytes: what it hands out is borrowed.

use memchr::memchr2;

const DATA: &[u8] = b"data:";

/// What comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'b> {
    /// A piece of the present event's data. Lines of one event are joined by a line feed, as the standard has it.
    Data(&'b [u8]),
    /// The present event is over.
    End,
    /// A piece of a line that is no event stream at all: Gemini has been seen to end a stream in bare JSON.
    Stray(&'b [u8]),
}

/// Where in a line the bytes ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum At {
    #[default]
    Start,
    /// This many bytes of `data:` were there.
    Name(usize),
    /// Right after `data:`, where one space is no part of the data.
    Colon,
    Data,
    Ignored,
    Stray,
}

/// The state between two chunks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sse {
    at: At,
    after_cr: bool,
    has_data: bool,
}

impl Sse {
    /// Takes the next bytes. Lines end in CR, LF or both.
    pub(super) fn push(&mut self, mut bytes: &[u8], on: &mut impl FnMut(Part<'_>)) {
        while let [first, rest @ ..] = bytes {
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                bytes = rest;
                continue;
            }
            let Some(end) = memchr2(b'\n', b'\r', bytes) else {
                self.piece(bytes, on);
                return;
            };
            let (line, after) = bytes.split_at(end);
            self.piece(line, on);
            self.end_line(on);
            self.after_cr = after.first() == Some(&b'\r');
            bytes = after.get(1..).unwrap_or_default();
        }
    }

    /// The stream is over. An event that no blank line closed still counts; some servers leave the last one open.
    pub(super) fn finish(&mut self, on: &mut impl FnMut(Part<'_>)) {
        self.end_line(on);
        if std::mem::take(&mut self.has_data) {
            on(Part::End);
        }
    }

    fn piece(&mut self, mut piece: &[u8], on: &mut impl FnMut(Part<'_>)) {
        while let [first, rest @ ..] = piece {
            match self.at {
                At::Start if piece.starts_with(DATA) => {
                    self.begin_data(on);
                    piece = piece.get(DATA.len()..).unwrap_or_default();
                }
                At::Start => {
                    self.at = match first {
                        b'd' => At::Name(1),
                        0xEF | 0xBB | 0xBF => At::Start, // a byte order mark
                        b':' | b'a'..=b'z' | b'A'..=b'Z' => At::Ignored,
                        _ => At::Stray,
                    };
                    if self.at == At::Stray {
                        continue;
                    }
                    piece = rest;
                }
                At::Name(known) => {
                    if DATA.get(known) != Some(first) {
                        self.at = At::Ignored;
                    } else if known + 1 == DATA.len() {
                        self.begin_data(on);
                    } else {
                        self.at = At::Name(known + 1);
                    }
                    piece = rest;
                }
                At::Colon => {
                    self.at = At::Data;
                    if *first == b' ' {
                        piece = rest;
                    }
                }
                At::Data => return on(Part::Data(piece)),
                At::Stray => return on(Part::Stray(piece)),
                At::Ignored => return,
            }
        }
    }

    fn begin_data(&mut self, on: &mut impl FnMut(Part<'_>)) {
        if self.has_data {
            on(Part::Data(b"\n"));
        }
        self.has_data = true;
        self.at = At::Colon;
    }

    fn end_line(&mut self, on: &mut impl FnMut(Part<'_>)) {
        match std::mem::take(&mut self.at) {
            At::Start if std::mem::take(&mut self.has_data) => on(Part::End),
            // a line that is just the word: data without a value
            At::Name(known) if known + 1 == DATA.len() => {
                self.begin_data(on);
                self.at = At::Start;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The events of a stream that arrives in these chunks, and its stray bytes.
    fn events<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> (Vec<String>, String) {
        let (mut events, mut open, mut stray) = (Vec::new(), Vec::new(), Vec::new());
        let mut take = |part: Part<'_>| match part {
            Part::Data(data) => open.extend_from_slice(data),
            Part::End => events.push(String::from_utf8_lossy(&std::mem::take(&mut open)).into_owned()),
            Part::Stray(bytes) => stray.extend_from_slice(bytes),
        };
        let mut sse = Sse::default();
        for chunk in chunks {
            sse.push(chunk, &mut take);
        }
        sse.finish(&mut take);
        (events, String::from_utf8_lossy(&stray).into_owned())
    }

    #[test]
    fn events_are_split_as_the_standard_has_it() {
        for (stream, expected) in [
            ("", vec![]),
            ("data: a\n\ndata: b\n\n", vec!["a", "b"]),
            ("data: a\r\n\r\ndata: b\r\n\r\n", vec!["a", "b"]),
            ("data: a\r\rdata: b\r\r", vec!["a", "b"]),
            ("data:a\n\ndata:  b\n\n", vec!["a", " b"]),
            ("data: a\ndata: b\n\n", vec!["a\nb"]),
            ("data\n\n", vec![""]),
            ("data\ndata\n\n", vec!["\n"]),
            ("event: x\nid: 1\ndata: a\nretry: 3\n\n", vec!["a"]),
            ("event: ping\n\n: keep-alive\n\n\n\ndata: a\n\n", vec!["a"]),
            ("\u{feff}data: a\n\n", vec!["a"]),
            ("date: a\ndat\ndatax: b\ndata: c\n\n", vec!["c"]),
            ("data: the end is open", vec!["the end is open"]),
        ] {
            assert_eq!(events([stream.as_bytes()]).0, expected, "{stream:?}");
        }
    }

    #[test]
    fn bare_json_after_the_events_is_handed_on() {
        let (events, stray) = events([b"data: a\n\n{\n  \"error\": {\"code\": 503}\n}\n".as_slice()]);
        assert_eq!((events, stray.as_str()), (vec!["a".to_owned()], "{  \"error\": {\"code\": 503}}"));
    }

    proptest! {
        #[test]
        fn cuts_change_nothing(stream in "(data: ?|event: x|: c|d|\\{|[a-z]{1,3}|\r\n|\n|\n\n|\r){0,40}", size in 1_usize..8) {
            prop_assert_eq!(events(stream.as_bytes().chunks(size)), events([stream.as_bytes()]));
        }
    }
}
