//! Turns the bytes of an answer into JSON pieces: an event of a stream, an element of a list, or the whole.

use http::{HeaderMap, header};

use super::pieces::Pieces;
use crate::provider::sse::{Part, Sse};

/// An event longer than this goes through [`Pieces`], which keeps less of it.
const MAX_PLAIN_EVENT: usize = 64 * 1024;

/// What one push found.
#[derive(Debug, Clone, Copy)]
pub(super) enum Piece<'b> {
    /// The data of one event, or one element of a streamed list.
    Event(&'b [u8]),
    /// The one object that is the answer.
    Whole(&'b [u8]),
    /// Something was too long to be kept.
    Lost,
}

/// How the bytes are framed; bounded whatever comes.
#[derive(Debug, Default)]
pub(super) enum Framing {
    /// The first byte that is no white space will tell; DeepSeek sends blank lines before its JSON.
    #[default]
    Unknown,
    Events(Events),
    /// One object.
    Object(Pieces),
    /// Gemini's stream without `alt=sse`: a list that arrives in pieces.
    List(Pieces),
    /// Audio, images, text: nothing to read.
    Opaque,
}

impl Framing {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if content_type.trim_start().to_ascii_lowercase().starts_with("text/event-stream") {
            Self::Events(Events::default())
        } else {
            Self::Unknown
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8], on: &mut impl FnMut(Piece<'_>)) {
        if let Self::Unknown = self
            && let Some(first) = bytes.iter().find(|byte| !byte.is_ascii_whitespace())
        {
            *self = match first {
                b'{' => Self::Object(Pieces::default()),
                b'[' => Self::List(Pieces::default()),
                b'd' | b'e' | b':' => Self::Events(Events::default()),
                _ => Self::Opaque,
            };
        }
        match self {
            Self::Events(events) => events.push(bytes, on),
            Self::Object(pieces) => pieces.push(bytes, &mut |piece| on(piece.map_or(Piece::Lost, Piece::Whole))),
            Self::List(pieces) => pieces.push(bytes, &mut |piece| on(piece.map_or(Piece::Lost, Piece::Event))),
            Self::Unknown | Self::Opaque => {}
        }
    }

    /// The answer is over; what is still open is handed out.
    pub(super) fn finish(&mut self, on: &mut impl FnMut(Piece<'_>)) {
        if let Self::Events(events) = self {
            events.finish(on);
        }
    }

    /// How many bytes are held.
    #[cfg(test)]
    pub(super) const fn held(&self) -> usize {
        match self {
            Self::Events(events) => events.event.plain.capacity() + events.event.long.held() + events.stray.held(),
            Self::Object(pieces) | Self::List(pieces) => pieces.held(),
            Self::Unknown | Self::Opaque => 0,
        }
    }
}

/// A `text/event-stream`, and the JSON that Gemini has been seen to put behind one.
#[derive(Debug, Default)]
pub(super) struct Events {
    sse: Sse,
    event: Event,
    stray: Pieces,
}

impl Events {
    fn push(&mut self, bytes: &[u8], on: &mut impl FnMut(Piece<'_>)) {
        let Self { sse, event, stray } = self;
        sse.push(bytes, &mut |part| take(event, stray, part, on));
    }

    fn finish(&mut self, on: &mut impl FnMut(Piece<'_>)) {
        let Self { sse, event, stray } = self;
        sse.finish(&mut |part| take(event, stray, part, on));
    }
}

fn take(event: &mut Event, stray: &mut Pieces, part: Part<'_>, on: &mut impl FnMut(Piece<'_>)) {
    match part {
        Part::Data(data) => event.data(data, on),
        Part::End => event.end(on),
        Part::Stray(bytes) => stray.push(bytes, &mut |piece| on(piece.map_or(Piece::Lost, Piece::Event))),
    }
}

/// The data of the present event: as it came while it is short, in what is worth keeping once it is long.
#[derive(Debug, Default)]
struct Event {
    plain: Vec<u8>,
    long: Pieces,
    is_long: bool,
}

impl Event {
    fn data(&mut self, data: &[u8], on: &mut impl FnMut(Piece<'_>)) {
        if !self.is_long && self.plain.len() + data.len() <= MAX_PLAIN_EVENT {
            self.plain.extend_from_slice(data);
            return;
        }
        self.is_long = true;
        let mut hand_on = |piece: Option<&[u8]>| on(piece.map_or(Piece::Lost, Piece::Event));
        self.long.push(&self.plain, &mut hand_on);
        self.plain.clear();
        self.long.push(data, &mut hand_on);
    }

    fn end(&mut self, on: &mut impl FnMut(Piece<'_>)) {
        if self.is_long {
            // what is still open will never close
            *self = Self::default();
        } else {
            on(Piece::Event(&self.plain));
            self.plain.clear();
        }
    }
}
