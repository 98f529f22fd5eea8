//! One row as a request, and how the text of a row becomes one.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{HeaderMap, Method};

use super::super::handover;
use super::template::Template;
use super::{form, json};
use crate::domain::{Account, Dialect, ModelId, RequestFacts};
use crate::provider::request_facts;

/// A row, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The name that its answer will carry.
    pub custom_id: String,
    /// The provider's own path.
    pub path: String,
    /// The request's body.
    pub body: Vec<u8>,
    /// What can be told of it.
    pub facts: RequestFacts,
}

/// How the rows of a file are read: the same for all of them.
#[derive(Debug, Clone)]
pub struct Reading {
    /// How their provider speaks.
    pub dialect: Dialect,
    /// Whether the account's base URL ends in `/v1`, which the paths in files begin with.
    pub base_has_version: bool,
    /// The model of rows that name none.
    pub model: Option<ModelId>,
    /// For plain rows: the prompt.
    pub template: Option<Template>,
    /// For plain rows: the most output tokens of an answer.
    pub max_output: Option<u64>,
    /// For CSV: the names of its columns.
    pub columns: Option<Arc<Vec<String>>>,
    /// Whether they are for the provider's batch API, which takes fewer kinds of requests.
    pub hands_over: bool,
}

impl Reading {
    /// Rows for this account, each a whole request.
    #[must_use]
    pub fn of(account: &Account) -> Self {
        Self { base_has_version: account.base_url.as_str().ends_with("/v1"), ..Self::plain(account.dialect()) }
    }

    /// Rows for this provider's own address.
    #[must_use]
    pub const fn plain(dialect: Dialect) -> Self {
        Self { dialect, base_has_version: false, model: None, template: None, max_output: None, columns: None, hands_over: false }
    }

    /// Reads one row; the line on which it stands names a plain row that has no id.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn row(&self, text: &[u8], line: u64) -> Result<Row, String> {
        let shape = match (&self.template, &self.columns) {
            (Some(template), Some(columns)) => form::filled(self, template, &csv_columns(text, columns)?, line)?,
            (Some(template), None) => form::filled(self, template, &json_columns(text)?, line)?,
            (None, Some(_)) => return Err("a row of a CSV file needs a prompt: give one with --template".into()),
            (None, None) => form::whole(self, &json::fields(text)?)?,
        };
        let form::Shape { custom_id, path, body } = shape;
        let facts = request_facts(self.dialect, &Method::POST, &path, &HeaderMap::new(), &body);
        if facts.model.is_none() {
            return Err("no model: name one in the row, or for all rows with --model".into());
        }
        if facts.stream {
            return Err("it asks for a stream, which a batch has no use for: leave `stream` out".into());
        }
        let row = Row { custom_id, path, body, facts };
        if self.hands_over {
            handover::check(self.dialect, &row)?;
        }
        Ok(row)
    }
}

fn csv_columns(text: &[u8], names: &[String]) -> Result<BTreeMap<String, String>, String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
    let mut record = csv::StringRecord::new();
    let found = reader.read_record(&mut record).map_err(|error| match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "not UTF-8".to_owned(),
        _ => format!("not CSV: {error}"),
    })?;
    if !found || record.len() != names.len() {
        return Err(format!("{} columns where the header has {}", record.len(), names.len()));
    }
    Ok(names.iter().cloned().zip(record.iter().map(str::to_owned)).collect())
}

fn json_columns(text: &[u8]) -> Result<BTreeMap<String, String>, String> {
    let columns = json::fields(text)?;
    Ok(columns
        .into_iter()
        .map(|(name, value)| {
            let text = serde_json::from_slice(value).unwrap_or_else(|_| String::from_utf8_lossy(value).into_owned());
            (name, text)
        })
        .collect())
}
