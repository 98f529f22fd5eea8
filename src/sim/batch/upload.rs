//! The file in a multipart form.

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::super::ask::BadAsk;

/// An uploaded file.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) name: String,
    pub(super) bytes: Bytes,
}

/// Takes the part called `file` out of a form whose `purpose` is `batch`.
pub(super) fn file(headers: &HeaderMap, body: &Bytes) -> Result<Upload, BadAsk> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = kind.split_once("boundary=").map(|(_, boundary)| boundary.trim_matches('"'));
    let boundary = boundary.ok_or_else(|| BadAsk::new("expected a multipart form"))?;
    let (mut upload, mut purpose) = (None, None);
    let mut rest = body.clone();
    let mark = format!("--{boundary}");
    while let Some(start) = find(&rest, mark.as_bytes()) {
        rest = rest.slice(start + mark.len()..);
        let Some(head_end) = find(&rest, b"\r\n\r\n") else { break };
        let head = String::from_utf8_lossy(&rest[..head_end]).into_owned();
        let content = rest.slice(head_end + 4..);
        let end = find(&content, format!("\r\n{mark}").as_bytes()).ok_or_else(|| BadAsk::new("the form breaks off"))?;
        let (content, named) = (content.slice(..end), |name: &str| head.contains(&format!("name=\"{name}\"")));
        if named("file") {
            let name = head.split_once("filename=\"").and_then(|(_, name)| name.split('"').next()).unwrap_or("file").to_owned();
            upload = Some(Upload { name, bytes: content });
        } else if named("purpose") {
            purpose = Some(content);
        }
        rest = rest.slice(head_end + 4 + end + 2..);
    }
    if purpose.as_deref() != Some(b"batch") {
        return Err(BadAsk::param("Invalid value for 'purpose'.", "purpose"));
    }
    upload.ok_or_else(|| BadAsk::param("Missing required parameter: 'file'.", "file"))
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    let first = *what.first()?;
    let mut from = 0;
    while let Some(at) = text.get(from..)?.iter().position(|byte| *byte == first) {
        let at = from + at;
        if text[at..].starts_with(what) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}
