//! A streamed answer as the events it consists of: before the text, for each piece of it, and after it.

use super::answer::Piece;

/// The events of one stream.
pub(super) struct Script {
    /// Sent before the first piece.
    pub(super) head: Vec<String>,
    /// Writes the event (or events) for a piece.
    pub(super) piece: Box<dyn FnMut(&Piece) -> String + Send>,
    /// Sent after the last piece.
    pub(super) tail: Vec<String>,
}

/// `data: ...` and an empty line.
pub(super) fn data(json: impl std::fmt::Display) -> String {
    format!("data: {json}\n\n")
}

/// `event: ...`, `data: ...` and an empty line.
pub(super) fn event(name: &str, json: impl std::fmt::Display) -> String {
    format!("event: {name}\ndata: {json}\n\n")
}

/// A text as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
