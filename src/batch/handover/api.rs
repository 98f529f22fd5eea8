//! What the three batch APIs have in common, and which of them an account speaks. Pure.

use std::fmt::Display;

use bytes::Bytes;
use http::Method;
use jiff::civil::Date;
use serde_json::Value;

use super::super::input::Row;
use super::{anthropic, gemini, openai};
use crate::catalog::Catalog;
use crate::domain::{Api as Kind, Dialect};

/// Whose batch API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    Anthropic,
    OpenAi,
    Gemini,
}

/// Which requests can be in one batch: those with the same target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) endpoint: String,
    /// Empty where a batch may hold several models.
    pub(super) model: String,
}

/// What one batch may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Most {
    pub(super) rows: usize,
    pub(super) bytes: usize,
    /// Input tokens; `None` where only requests are counted, or nothing is known.
    pub(super) tokens: Option<u64>,
}

/// A request to the API.
#[derive(Debug, Clone)]
pub(super) struct Errand {
    pub(super) method: Method,
    /// Begins with the version.
    pub(super) path: String,
    pub(super) content_type: String,
    pub(super) body: Bytes,
}

/// Where a batch stands at the provider.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Standing {
    /// It is being worked on; so many requests are done, if the provider says so.
    Working(Option<u64>),
    /// It is over, and the results are behind these paths.
    Over(Vec<String>),
    /// None of it was run.
    Failed(Vec<Fault>),
}

/// Why a batch was not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// It would exceed what may be queued.
    pub(super) is_queue_full: bool,
    /// How much may be queued, if it says so.
    pub(super) queue: Option<u64>,
    /// Which of its requests is at fault, from 1.
    pub(super) line: Option<u64>,
    pub(super) message: String,
}

/// A batch in the provider's list.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Listed {
    pub(super) id: String,
    /// Our tag; `None` where the provider keeps none.
    pub(super) tag: Option<String>,
    pub(super) rows: Option<u64>,
    /// Unix seconds.
    pub(super) created: i64,
}

/// One request's result.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outcome {
    /// The `custom_id` that we gave it; `None` if only its place tells.
    pub(super) id: Option<String>,
    pub(super) what: What,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// It was answered, as a request of its own would have been.
    Answer { status: u16, request_id: Option<String>, body: Bytes },
    /// It was not run, for this reason.
    Unreached(String),
}

/// Memory is the limit for one part, not what providers take.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// The answer to a batch of inline requests comes in one piece.
const MOST_BYTES_INLINE: usize = 4 * 1024 * 1024;

impl Api {
    pub(super) fn of(dialect: Dialect) -> Option<Self> {
        match dialect {
            Dialect::Anthropic => Some(Self::Anthropic),
            Dialect::OpenAi => Some(Self::OpenAi),
            Dialect::Gemini => Some(Self::Gemini),
            _ => None,
        }
    }

    /// The batches that can hold this row.
    ///
    /// # Errors
    /// None can.
    pub(super) fn target(self, row: &Row) -> Result<Target, String> {
        match self {
            Self::Anthropic => anthropic::target(row),
            Self::OpenAi => openai::target(row),
            Self::Gemini => gemini::target(row),
        }
    }

    /// What one batch may hold. The tier is not known: by the lowest, so that a part never exceeds a queue by itself.
    pub(super) fn most(self, dialect: Dialect, target: &Target, on: Date) -> Most {
        let catalog = Catalog::bundled();
        let class = catalog.class_of(dialect, &crate::domain::ModelId::new(&target.model));
        let tiers = catalog.tiers(dialect, on);
        let at = |tier| catalog.batch_limits(dialect, &class, tier, 0, on).unwrap_or_default();
        let known = at(None);
        let all = || tiers.iter().map(|tier| at(Some(&tier.name)));
        let rows = known.requests_per_batch.into_iter().chain(all().filter_map(|limits| limits.queued_requests)).min();
        let megabytes = known.max_megabytes.map_or(usize::MAX, |size| to_usize(size.saturating_mul(1_000_000)));
        let ours = if self == Self::Gemini { MOST_BYTES_INLINE } else { MOST_BYTES };
        Most {
            rows: rows.map_or(usize::MAX, to_usize),
            bytes: megabytes.min(ours),
            tokens: all().filter_map(|limits| limits.queued_tokens).min(),
        }
    }

    /// How the answers of an endpoint tell their usage.
    pub(super) fn kind(self, endpoint: &str) -> Kind {
        match (self, endpoint) {
            (Self::Anthropic, _) => Kind::Messages,
            (Self::Gemini, _) => Kind::GenerateContent,
            (Self::OpenAi, "/v1/responses") => Kind::Responses,
            (Self::OpenAi, "/v1/embeddings") => Kind::Embeddings,
            (Self::OpenAi, "/v1/completions") => Kind::Completions,
            (Self::OpenAi, _) => Kind::ChatCompletions,
        }
    }

    /// The beginning of the text that holds a batch's requests.
    pub(super) fn open(self, tag: &str) -> Vec<u8> {
        match self {
            Self::Anthropic => anthropic::open(),
            Self::OpenAi => Vec::new(),
            Self::Gemini => gemini::open(tag),
        }
    }

    /// One more request in that text.
    pub(super) fn add(self, text: &mut Vec<u8>, is_first: bool, target: &Target, id: &str, body: &[u8]) {
        match self {
            Self::Anthropic => anthropic::add(text, is_first, id, body),
            Self::OpenAi => openai::add(text, target, id, body),
            Self::Gemini => gemini::add(text, is_first, id, body),
        }
    }

    /// The end of that text.
    pub(super) fn close(self, text: &mut Vec<u8>) {
        match self {
            Self::Anthropic => text.extend_from_slice(b"]}"),
            Self::OpenAi => {}
            Self::Gemini => text.extend_from_slice(b"]}}}}"),
        }
    }

    /// What goes before the creation, if something does: the upload of the requests.
    pub(super) fn upload(self, tag: &str, text: &[u8]) -> Option<Errand> {
        (self == Self::OpenAi).then(|| openai::upload(tag, text))
    }

    /// The creation. `text` holds the requests, or is the answer to their upload.
    ///
    /// # Errors
    /// That answer is not understood.
    pub(super) fn create(self, target: &Target, tag: &str, text: Bytes) -> Result<Errand, String> {
        match self {
            Self::Anthropic => Ok(post("/v1/messages/batches", text)),
            Self::OpenAi => openai::create(target, tag, &text),
            Self::Gemini => Ok(post(format!("/v1beta/models/{}:batchGenerateContent", target.model), text)),
        }
    }

    /// What removes the requests that were uploaded, by the answer to the upload, or by the batch that was made of them.
    pub(super) fn tidy(self, answer: &Value) -> Option<Errand> {
        let file = if answer.get("object").and_then(Value::as_str) == Some("file") { "id" } else { "input_file_id" };
        (self == Self::OpenAi).then(|| openai::delete(answer.get(file)?)).flatten()
    }

    /// The provider's name for the batch in the answer to its creation.
    pub(super) fn created(self, answer: &Value) -> Option<String> {
        let name = if self == Self::Gemini { "name" } else { "id" };
        answer.get(name)?.as_str().map(str::to_owned)
    }

    pub(super) fn look(self, id: &str) -> Errand {
        get(self.path_of(id))
    }

    pub(super) fn standing(self, id: &str, answer: &Value) -> Option<Standing> {
        match self {
            Self::Anthropic => anthropic::standing(id, answer),
            Self::OpenAi => openai::standing(answer),
            Self::Gemini => gemini::standing(id, answer),
        }
    }

    pub(super) fn cancel(self, id: &str) -> Errand {
        let verb = if self == Self::Gemini { ":cancel" } else { "/cancel" };
        post(format!("{}{verb}", self.path_of(id)), Bytes::new())
    }

    /// A page of the provider's list, the newest first.
    pub(super) fn list(self, after: Option<&str>) -> Errand {
        let (path, limit, next) = match self {
            Self::Anthropic => ("/v1/messages/batches", "limit=100", "after_id"),
            Self::OpenAi => ("/v1/batches", "limit=100", "after"),
            Self::Gemini => ("/v1beta/batches", "pageSize=100", "pageToken"),
        };
        get(after.map_or_else(|| format!("{path}?{limit}"), |after| format!("{path}?{limit}&{next}={after}")))
    }

    /// The batches of a page, and where the next page begins.
    pub(super) fn listed(self, answer: &Value) -> (Vec<Listed>, Option<String>) {
        let (key, next) = match self {
            Self::Gemini => ("operations", answer.get("nextPageToken")),
            _ => ("data", answer.get("last_id").filter(|_| answer.get("has_more") == Some(&Value::Bool(true)))),
        };
        let batches = answer.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(|batch| match self {
            Self::Anthropic => anthropic::listed(batch),
            Self::OpenAi => openai::listed(batch),
            Self::Gemini => gemini::listed(batch),
        });
        (batches.collect(), next.and_then(Value::as_str).map(str::to_owned))
    }

    /// Whether results come a line each; else all in one document.
    pub(super) const fn has_lines(self) -> bool {
        !matches!(self, Self::Gemini)
    }

    /// The result in a line.
    pub(super) fn line(self, line: &[u8]) -> Result<Outcome, String> {
        match self {
            Self::OpenAi => openai::line(line),
            Self::Anthropic | Self::Gemini => anthropic::line(line),
        }
    }

    fn path_of(self, id: &str) -> String {
        match self {
            Self::Anthropic => format!("/v1/messages/batches/{id}"),
            Self::OpenAi => format!("/v1/batches/{id}"),
            Self::Gemini => format!("/v1beta/{id}"),
        }
    }
}

pub(super) fn get(path: impl Display) -> Errand {
    Errand { method: Method::GET, path: path.to_string(), content_type: String::new(), body: Bytes::new() }
}

pub(super) fn post(path: impl Display, body: Bytes) -> Errand {
    Errand { method: Method::POST, path: path.to_string(), content_type: "application/json".into(), body }
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
