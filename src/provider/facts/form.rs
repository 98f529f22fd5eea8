//! Reads the fields of a `multipart/form-data` body: uploads of audio and images, whose bytes are no text.

use http::{HeaderMap, header};
use memchr::memmem;

/// The most parts that are looked at.
const MAX_PARTS: usize = 64;

/// The longest value that can be a field rather than a file without a name.
const MAX_FIELD: usize = 1024 * 1024;

/// What a form says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Form<'b> {
    pub(super) model: Option<&'b str>,
    pub(super) stream: bool,
    pub(super) choices: Option<u64>,
    /// Bytes of the `prompt`, the only field that becomes text.
    pub(super) text_bytes: u64,
    /// Parts that are files.
    pub(super) files: u32,
}

/// The form in `body`; `None` if the headers announce none.
pub(super) fn read<'b>(headers: &HeaderMap, body: &'b [u8]) -> Option<Form<'b>> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let (kind, parameters) = content_type.split_once(';')?;
    kind.trim().eq_ignore_ascii_case("multipart/form-data").then_some(())?;
    let boundary = parameters.split(';').find_map(|p| p.trim().strip_prefix("boundary="))?.trim_matches('"');
    let delimiter = format!("--{boundary}");
    let mut form = Form::default();
    let finder = memmem::Finder::new(&delimiter);
    let starts: Vec<usize> = finder.find_iter(body).take(MAX_PARTS).collect();
    for (index, start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(body.len());
        if let Some(part) = body.get(start + delimiter.len()..end) {
            form.add(part);
        }
    }
    Some(form)
}

impl<'b> Form<'b> {
    fn add(&mut self, part: &'b [u8]) -> Option<()> {
        let head_end = memmem::find(part, b"\r\n\r\n")?;
        let head = std::str::from_utf8(part.get(..head_end)?).ok()?;
        let value = part.get(head_end + 4..)?;
        if head.contains("filename=") || head.contains("filename*=") || value.len() > MAX_FIELD {
            self.files += 1;
            return Some(());
        }
        let value = std::str::from_utf8(value).ok()?.trim_end_matches("\r\n");
        let name = head.split("name=").nth(1)?.trim_start_matches('"').split(['"', ';', '\r']).next()?;
        match name {
            "model" => self.model = Some(value).filter(|v| !v.is_empty()),
            "stream" => self.stream = value == "true",
            "n" => self.choices = value.parse().ok(),
            "prompt" => self.text_bytes += value.len() as u64,
            _ => {}
        }
        Some(())
    }
}
