//! Turns the bytes of an answer into JSON pieces: an event of a stream, an element of a list, or the whole.

use http::{HeaderMap, header};

use super::events::Events;
use super::pieces::Pieces;
use crate::domain::Api;

/// A JSON text longer than this goes through [`Pieces`], which keeps less of it.
const MAX_PLAIN: usize = 64 * 1024;

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
    Events(Box<Events>),
    /// One object.
    Object(Text),
    /// Gemini's stream without `alt=sse`: a list that arrives in pieces; its last byte so far.
    List(Pieces, u8),
    /// Audio, images, text: nothing to read.
    Opaque,
}

impl Framing {
    pub(super) fn of(api: Api, headers: &HeaderMap) -> Self {
        let content_type = headers.get(header::CONTENT_TYPE).map_or(&b""[..], http::HeaderValue::as_bytes).trim_ascii_start();
        match content_type.split_at_checked("text/event-stream".len()) {
            // an old answer that is looked at again must not be counted again
            _ if api == Api::Batches => Self::Opaque,
            Some((name, _)) if name.eq_ignore_ascii_case(b"text/event-stream") => Self::Events(Box::new(Events::of(api))),
            _ => Self::Unknown,
        }
    }

    pub(super) fn push(&mut self, api: Api, bytes: &[u8], on: &mut impl FnMut(Piece<'_>)) {
        if let Self::Unknown = self
            && let Some(first) = bytes.iter().find(|byte| !byte.is_ascii_whitespace())
        {
            *self = match first {
                b'{' => Self::Object(Text::default()),
                b'[' => Self::List(Pieces::default(), b'['),
                b'd' | b'e' | b':' => Self::Events(Box::new(Events::of(api))),
                _ => Self::Opaque,
            };
        }
        match self {
            Self::Events(events) => events.push(bytes, on),
            Self::Object(text) => text.push(bytes, &mut |piece| on(piece.map_or(Piece::Lost, Piece::Whole))),
            Self::List(pieces, last) => {
                *last = bytes.trim_ascii_end().last().copied().unwrap_or(*last);
                pieces.push(bytes, &mut |piece| on(piece.map_or(Piece::Lost, Piece::Event)));
            }
            Self::Unknown | Self::Opaque => {}
        }
    }

    /// No more bytes come; what is still open, or was put off, is handed out.
    pub(super) fn close(&mut self, on: &mut impl FnMut(Piece<'_>)) {
        match std::mem::replace(self, Self::Opaque) {
            Self::Events(events) => events.close(on),
            Self::Object(mut text) => text.end(&mut |piece| on(piece.map_or(Piece::Lost, Piece::Whole))),
            Self::Unknown | Self::List(..) | Self::Opaque => {}
        }
    }

    /// How many bytes are held.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        match self {
            Self::Events(events) => events.held(),
            Self::Object(text) => text.held(),
            Self::List(pieces, _) => pieces.held(),
            Self::Unknown | Self::Opaque => 0,
        }
    }
}

/// One JSON text: as it came while it is short, in what is worth keeping once it is long.
#[derive(Debug, Default)]
pub(super) struct Text {
    plain: Vec<u8>,
    long: Pieces,
    is_long: bool,
}

impl Text {
    /// Takes the next bytes; `on` gets what a long text holds as soon as it closes, `None` if that is too long still.
    pub(super) fn push(&mut self, data: &[u8], on: &mut impl FnMut(Option<&[u8]>)) {
        if !self.is_long && self.plain.len() + data.len() <= MAX_PLAIN {
            self.plain.extend_from_slice(data);
            return;
        }
        self.is_long = true;
        self.long.push(&std::mem::take(&mut self.plain), on);
        self.long.push(data, on);
    }

    /// The text ends here.
    pub(super) fn end(&mut self, on: &mut impl FnMut(Option<&[u8]>)) {
        if self.is_long {
            // what is still open will never close
            *self = Self::default();
        } else {
            on(Some(&self.plain));
            self.plain.clear();
        }
    }

    #[cfg(test)]
    pub(super) const fn held(&self) -> usize {
        self.plain.capacity() + self.long.held()
    }
}
