//! A prompt with `{{column}}` in it.

use std::collections::BTreeMap;

/// A prompt to be filled in from the columns of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Column(String),
}

impl Template {
    /// Reads a template. White space within the braces does not matter.
    ///
    /// # Errors
    /// A `{{` without its `}}`, or nothing between them.
    ///
    /// ```
    /// use tierline::batch::input::Template;
    /// let template = Template::parse("Sum up {{ text }}.").unwrap();
    /// let row = [("text".to_owned(), "this".to_owned())].into();
    /// assert_eq!(template.fill(&row).unwrap(), "Sum up this.");
    /// ```
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or("the template has a {{ without its }}")?;
            if name.trim().is_empty() {
                return Err("the template has {{}} without a column's name in it".into());
            }
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(Piece::Column(name.trim().to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self { text: text.to_owned(), pieces })
    }

    /// The text it was made from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The prompt for a row.
    ///
    /// # Errors
    /// The row lacks a column.
    pub fn fill(&self, row: &BTreeMap<String, String>) -> Result<String, String> {
        let mut filled = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Column(name) => {
                    filled.push_str(row.get(name).ok_or_else(|| {
                        let there: Vec<&str> = row.keys().map(String::as_str).collect();
                        format!("no column {name:?}; there are {}", there.join(", "))
                    })?);
                }
            }
        }
        Ok(filled)
    }
}
