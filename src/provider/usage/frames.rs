//! Finds the text messages in the frames of a WebSocket (RFC 6455, section 5.2), wherever the bytes are cut.
//!
//! A server's frames are not masked. Messages that are compressed, binary or masked are passed over.

/// What comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'b> {
    /// A piece of the present text message.
    Text(&'b [u8]),
    /// The present text message is over.
    End,
    /// The other side says that it closes.
    Close,
}

/// The state between two chunks.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// As much of a frame's head as has come.
    head: Vec<u8>,
    /// Bytes of the present frame's payload that are still to come.
    left: u64,
    frame: Frame,
    /// Whether the present message is text that can be read. Control frames may stand between the frames of a message.
    in_text: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Frame {
    /// A frame of a message, the last one or not.
    Message { last: bool },
    #[default]
    Control,
}

impl Frames {
    pub(super) fn push(&mut self, mut bytes: &[u8], on: &mut impl FnMut(Part<'_>)) {
        while !bytes.is_empty() {
            if self.left == 0 {
                let Some(rest) = self.begin(bytes, on) else { return };
                bytes = rest;
            } else {
                let len = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
                let (payload, rest) = bytes.split_at(len);
                self.left -= len as u64;
                bytes = rest;
                if self.in_text && self.frame != Frame::Control {
                    on(Part::Text(payload));
                }
            }
            if self.left == 0 {
                self.end(on);
            }
        }
    }

    /// Takes a frame's head; gives back what follows it, or nothing while it is not whole.
    fn begin<'b>(&mut self, bytes: &'b [u8], on: &mut impl FnMut(Part<'_>)) -> Option<&'b [u8]> {
        let missing = head_len(&self.head).saturating_sub(self.head.len()).min(bytes.len());
        let (more, rest) = bytes.split_at(missing);
        self.head.extend_from_slice(more);
        if self.head.len() < head_len(&self.head) {
            return if rest.is_empty() { None } else { self.begin(rest, on) };
        }
        let [flags, len, extended @ ..] = self.head.as_slice() else { return None };
        let (opcode, plain, masked) = (flags & 0x0F, flags & 0x70 == 0, len & 0x80 != 0);
        self.left = match len & 0x7F {
            126 | 127 => extended.iter().take(if len & 0x7F == 126 { 2 } else { 8 }).fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
            short => u64::from(short),
        };
        self.frame = if opcode < 8 { Frame::Message { last: flags & 0x80 != 0 } } else { Frame::Control };
        match opcode {
            0 => self.in_text &= plain && !masked,
            1..8 => self.in_text = opcode == 1 && plain && !masked,
            8 => on(Part::Close),
            _ => {}
        }
        self.head.clear();
        Some(rest)
    }

    fn end(&mut self, on: &mut impl FnMut(Part<'_>)) {
        if std::mem::take(&mut self.frame) == (Frame::Message { last: true }) && std::mem::take(&mut self.in_text) {
            on(Part::End);
        }
    }
}

/// How long a head is, as far as its beginning tells.
fn head_len(head: &[u8]) -> usize {
    let Some(len) = head.get(1) else { return 2 };
    let extended = match len & 0x7F {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    2 + extended + if len & 0x80 == 0 { 0 } else { 4 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let len = match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
            (Ok(len), _) if len < 126 => vec![len],
            (_, Ok(len)) => [&[126][..], &len.to_be_bytes()].concat(),
            (_, Err(_)) => [&[127][..], &(payload.len() as u64).to_be_bytes()].concat(),
        };
        [&[first][..], &len, payload].concat()
    }

    /// The text messages, and whether the other side closed.
    fn read(bytes: &[u8], size: usize) -> (Vec<String>, bool) {
        let (mut frames, mut texts, mut open, mut closed) = (Frames::default(), Vec::new(), Vec::new(), false);
        for piece in bytes.chunks(size) {
            frames.push(piece, &mut |part: Part<'_>| match part {
                Part::Text(text) => open.extend_from_slice(text),
                Part::End => texts.push(String::from_utf8(std::mem::take(&mut open)).unwrap()),
                Part::Close => closed = true,
            });
        }
        (texts, closed)
    }

    #[test]
    fn text_is_found_between_everything_else() {
        let (long, huge) = ("x".repeat(300), "y".repeat(70_000));
        let stream = [
            frame(0x81, b"one"),
            frame(0x82, b"binary"),
            frame(0x01, b"in "),
            frame(0x89, b"ping"),
            frame(0x00, b"three "),
            frame(0x80, b"frames"),
            frame(0xC1, b"compressed"),
            frame(0x81, b""),
            frame(0x81, long.as_bytes()),
            frame(0x81, huge.as_bytes()),
            vec![0x81, 0x83, 1, 2, 3, 4, 5, 6, 7],
            frame(0x88, &[3, 232]),
        ]
        .concat();
        for size in [1, 2, 3, 1_000, 1_000_000] {
            let (texts, closed) = read(&stream, size);
            assert_eq!(texts, ["one", "in three frames", "", &long, &huge], "in pieces of {size}");
            assert!(closed);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_cuts_change_nothing(bytes in prop::collection::vec(any::<u8>(), 0..200), size in 1_usize..9) {
            let parts = |size: usize| {
                let (mut frames, mut parts) = (Frames::default(), Vec::new());
                for piece in bytes.chunks(size) {
                    frames.push(piece, &mut |part: Part<'_>| match part {
                        Part::Text(text) => parts.extend(text.iter().map(|byte| u16::from(*byte))),
                        Part::End => parts.push(1_000),
                        Part::Close => parts.push(2_000),
                    });
                }
                parts
            };
            prop_assert_eq!(parts(size), parts(1_000));
        }
    }
}
