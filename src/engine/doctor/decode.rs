//! The spellings in which a key may hide in a file: each brings bytes back to what they say. Total, and never longer than before.

/// Runs of base64 shorter than this hold no key.
const RUN: usize = 16;

/// `%2D` as `-`; `None` if nothing is written that way.
pub(super) fn percent(bytes: &[u8]) -> Option<Vec<u8>> {
    replaced(bytes, b'%', |rest| Some((hex(rest.get(1..3)?)?, 3)))
}

/// `\u002d` and `\/` as JSON means them; `None` if nothing is written that way. Only ASCII matters: keys are ASCII.
pub(super) fn json(bytes: &[u8]) -> Option<Vec<u8>> {
    replaced(bytes, b'\\', |rest| match rest.get(1)? {
        b'u' if rest.get(2..4)? == b"00" => Some((hex(rest.get(4..6)?)?, 6)),
        byte @ (b'/' | b'"' | b'\\') => Some((*byte, 2)),
        _ => None,
    })
}

/// What every long run of base64 says, from each of the four places at which its first group may begin.
pub(super) fn base64(bytes: &[u8], mut say: impl FnMut(&[u8])) {
    for run in bytes.split(|byte| sextet(*byte).is_none()).filter(|run| run.len() >= RUN) {
        for start in 0..4 {
            say(&unpacked(run.get(start..).unwrap_or_default()));
        }
    }
}

fn replaced(bytes: &[u8], mark: u8, read: impl Fn(&[u8]) -> Option<(u8, usize)>) -> Option<Vec<u8>> {
    let first = memchr::memchr(mark, bytes)?;
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(bytes.get(..first)?);
    let mut rest = bytes.get(first..)?;
    while let Some(byte) = rest.first() {
        let (byte, taken) = (*byte == mark).then(|| read(rest)).flatten().unwrap_or((*byte, 1));
        out.push(byte);
        rest = rest.get(taken..).unwrap_or_default();
    }
    Some(out)
}

fn hex(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok()?;
    u8::from_str_radix(text, 16).ok()
}

/// Both alphabets at once: no key is read differently by it.
const fn sextet(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(value as u32)
}

fn unpacked(run: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(run.len() * 3 / 4);
    for group in run.chunks(4) {
        let bits = group.iter().filter_map(|byte| sextet(*byte)).fold(0, |bits, six| bits << 6 | six);
        let missing = 4 - group.len();
        let [_, bytes @ ..] = (bits << (6 * missing)).to_be_bytes();
        out.extend_from_slice(bytes.get(..3 - missing.min(3)).unwrap_or_default());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_spelling_says_the_same() {
        for (decoded, expect) in [
            (percent(b"a=sk%2dx%2Dy%"), Some("a=sk-x-y%")),
            (percent(b"%zz%2"), Some("%zz%2")),
            (percent(b"plain"), None),
            (json(br"sk\u002dx\/y\\n\u12"), Some(r"sk-x/y\n\u12")),
            (json(b"plain"), None),
        ] {
            assert_eq!(decoded.as_deref().map(String::from_utf8_lossy).as_deref(), expect);
        }
    }

    #[test]
    fn base64_is_read_wherever_its_groups_begin() {
        // "user:sk-secret-key-1" and the same behind one and two more bytes, and in the alphabet of URLs without padding
        for text in [
            "dXNlcjpzay1zZWNyZXQta2V5LTE=",
            "YXVzZXI6c2stc2VjcmV0LWtleS0x",
            "YWJ1c2VyOnNrLXNlY3JldC1rZXktMQ",
            "x+dXNlcjpzay1zZWNyZXQta2V5LTE",
        ] {
            let mut found = false;
            base64(format!("{{\"auth\":\"Basic {text}\"}}").as_bytes(), |said| {
                found |= memchr::memmem::find(said, b"sk-secret-key-1").is_some();
            });
            assert!(found, "{text}");
        }
    }
}
