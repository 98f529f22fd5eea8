//! The columns of every export, in their order. They are a contract: add at the end, never rename, move or drop.

use crate::domain::query::ExportWhat;

/// How a column is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Number,
    /// RFC 3339 in UTC, with milliseconds.
    Time,
    /// Text.
    Text,
}

/// One column of an export.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name in the file.
    pub name: &'static str,
    /// How it is written.
    pub kind: Kind,
    /// Where it comes from.
    pub(super) sql: &'static str,
}

/// What one export reads.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its columns.
    pub columns: &'static [Column],
    pub(super) from: &'static str,
    /// The column that the order's range is about.
    pub(super) time: &'static str,
    pub(super) then_by: &'static str,
}

impl Table {
    /// The table of this name.
    #[must_use]
    pub const fn of(what: ExportWhat) -> Self {
        match what {
            ExportWhat::Requests => Self { columns: REQUESTS, from: "requests", time: "arrived_at", then_by: "id" },
            ExportWhat::Snapshots => Self { columns: SNAPSHOTS, from: READINGS, time: "s.at", then_by: "s.id, r.key" },
            ExportWhat::Refusals => Self { columns: REFUSALS, from: "refusals", time: "at", then_by: "id" },
            ExportWhat::Limits => Self { columns: LIMITS, from: "limit_changes", time: "at", then_by: "id" },
        }
    }
}

/// One row for every reading; one without a reading for a head that had none but said something else.
const READINGS: &str = "snapshots s LEFT JOIN accounts a ON a.id = s.account LEFT JOIN json_each(s.readings) r";

const fn number(name: &'static str, sql: &'static str) -> Column {
    Column { name, kind: Kind::Number, sql }
}

const fn time(name: &'static str, sql: &'static str) -> Column {
    Column { name, kind: Kind::Time, sql }
}

const fn text(name: &'static str, sql: &'static str) -> Column {
    Column { name, kind: Kind::Text, sql }
}

/// Finished requests, by arrival.
///
/// | column | meaning and unit |
/// |---|---|
/// | `id` | request number in this data folder |
/// | `arrived_at` | when it reached the gateway |
/// | `finished_at` | when its last byte was handed over, or it ended otherwise |
/// | `account` | label of the account at that time |
/// | `provider` | `anthropic`, `openai`, `gemini`, `deepseek`, `custom` |
/// | `client` | name of the program that sent it |
/// | `lane` | `interactive` or `batch` |
/// | `api` | `messages`, `chat_completions`, `responses`, ... |
/// | `model_asked` | model that the request named |
/// | `model_served` | model that the answer named |
/// | `class` | models that share its buckets |
/// | `status` | HTTP status that the client saw; 0: none |
/// | `outcome` | `ok`, `error`, `refused`, `refused_locally`, `client_gone`, `upstream_failed` |
/// | `wait_millis` | milliseconds of waiting for room |
/// | `first_byte_millis` | milliseconds from sending to the head of the answer, last attempt |
/// | `attempts` | times it was sent |
/// | `input_tokens` | input tokens from no cache and into none |
/// | `cache_read_tokens` | input tokens read from the prompt cache |
/// | `cache_write_tokens` | input tokens written to the prompt cache |
/// | `cache_write_long_tokens` | part of `cache_write_tokens` with the long lifetime |
/// | `tool_input_tokens` | part of the input that tools fed back |
/// | `output_tokens` | output tokens, reasoning included |
/// | `reasoning_tokens` | part of `output_tokens` |
/// | `images` | images made |
/// | `usage_certainty` | `exact`, `at_least`, `unknown` |
/// | `service_tier` | service tier that the answer named |
/// | `counted_input_tokens` | input tokens as counted toward limits |
/// | `counted_output_tokens` | output tokens as counted toward limits |
/// | `cost_nanos` | nano-dollars; unknown where a price is unknown |
/// | `reserved_input_tokens` | input tokens expected |
/// | `reserved_output_tokens` | output tokens expected |
/// | `bound_by` | meter that made it wait: `RPM`, `OTPM`, ... |
/// | `verdict` | meaning of the refusal that the client saw: `wait`, `never`, `money`, ... |
/// | `upstream_request_id` | provider's id for the request |
/// | `request_bytes` | bytes of the request's body |
/// | `response_bytes` | bytes of the answer's body |
/// | `served_by` | `account/model`, if a fallback route led it there |
pub const REQUESTS: &[Column] = &[
    number("id", "id"),
    time("arrived_at", "arrived_at"),
    time("finished_at", "finished_at"),
    text("account", "account_label"),
    text("provider", "provider"),
    text("client", "client"),
    text("lane", "lane"),
    text("api", "api"),
    text("model_asked", "model_asked"),
    text("model_served", "model_served"),
    text("class", "class"),
    number("status", "status"),
    text("outcome", "outcome"),
    number("wait_millis", "wait_millis"),
    number("first_byte_millis", "first_byte_millis"),
    number("attempts", "attempts"),
    number("input_tokens", "input"),
    number("cache_read_tokens", "cache_read"),
    number("cache_write_tokens", "cache_write"),
    number("cache_write_long_tokens", "cache_write_long"),
    number("tool_input_tokens", "tool_input"),
    number("output_tokens", "output"),
    number("reasoning_tokens", "reasoning"),
    number("images", "images"),
    text("usage_certainty", "certainty"),
    text("service_tier", "service_tier"),
    number("counted_input_tokens", "counted_input"),
    number("counted_output_tokens", "counted_output"),
    number("cost_nanos", "cost_nanos"),
    number("reserved_input_tokens", "reserved_input"),
    number("reserved_output_tokens", "reserved_output"),
    text("bound_by", "bound_by"),
    text("verdict", "verdict"),
    text("upstream_request_id", "upstream_request_id"),
    number("request_bytes", "request_bytes"),
    number("response_bytes", "response_bytes"),
    text("served_by", "served_by"),
];

/// What response heads said about limits, one row for each reading, by time.
///
/// | column | meaning and unit |
/// |---|---|
/// | `at` | when the head arrived |
/// | `request` | request number |
/// | `account` | label of the account; unknown if it was removed |
/// | `class` | models that share its buckets |
/// | `status` | HTTP status |
/// | `retry_after_millis` | milliseconds to wait, as the head said |
/// | `organization` | organisation that the head named |
/// | `project` | project that the head named |
/// | `workspace` | workspace that the head named |
/// | `upstream_request_id` | provider's id for the request |
/// | `dimension` | `requests`, `input_tokens`, ...; unknown in the row of a head without a limit |
/// | `period_secs` | seconds over which it is metered; 0: at the same time |
/// | `pool` | `standard`, `priority`, `fast`, `project` |
/// | `limit` | capacity, in the dimension's unit |
/// | `remaining` | what is left of it |
/// | `full_at` | when it will be full again |
/// | `grain` | how far off `limit - remaining` may be, because the provider rounds |
/// | `oddities` | JSON: what was not as documented, `[[header, what], ...]` |
pub const SNAPSHOTS: &[Column] = &[
    time("at", "s.at"),
    number("request", "s.request"),
    text("account", "a.label"),
    text("class", "s.class"),
    number("status", "s.status"),
    number("retry_after_millis", "s.retry_after_millis"),
    text("organization", "s.organization"),
    text("project", "s.project"),
    text("workspace", "s.workspace"),
    text("upstream_request_id", "s.upstream_request_id"),
    text("dimension", "r.value ->> 0"),
    number("period_secs", "r.value ->> 1"),
    text("pool", "r.value ->> 2"),
    number("limit", "r.value ->> 3"),
    number("remaining", "r.value ->> 4"),
    time("full_at", "r.value ->> 5"),
    number("grain", "r.value ->> 6"),
    text("oddities", "s.oddities"),
];

/// Attempts that a provider refused, by time.
///
/// | column | meaning and unit |
/// |---|---|
/// | `at` | when the refusal came |
/// | `request` | request number |
/// | `attempt` | 1 for the first time it was sent |
/// | `account` | label of the account at that time |
/// | `client` | name of the program that sent it |
/// | `class` | models that share its buckets |
/// | `model` | model that the request named |
/// | `status` | HTTP status |
/// | `kind` | `wait`, `never`, `money`, `key`, `model`, `overload`, `request` |
/// | `dimension` | what was short |
/// | `period_secs` | seconds over which it is metered; 0: at the same time |
/// | `limit` | limit that it named |
/// | `used` | use that it named |
/// | `requested` | what it said the request wanted |
/// | `retry_after_millis` | milliseconds until the same request can pass |
/// | `scope` | `organization`, `project`, `workspace`, `account` |
/// | `whose` | who caused it: `account`, `provider`, `gateway` |
/// | `reason` | what happened, a sentence |
/// | `advice` | what to do, a sentence |
/// | `ledger` | JSON: our own buckets at that moment, a line each |
pub const REFUSALS: &[Column] = &[
    time("at", "at"),
    number("request", "request"),
    number("attempt", "attempt"),
    text("account", "account_label"),
    text("client", "client"),
    text("class", "class"),
    text("model", "model"),
    number("status", "status"),
    text("kind", "kind"),
    text("dimension", "dimension"),
    number("period_secs", "period_secs"),
    number("limit", "capacity"),
    number("used", "used"),
    number("requested", "requested"),
    number("retry_after_millis", "retry_after_millis"),
    text("scope", "scope"),
    text("whose", "whose"),
    text("reason", "reason"),
    text("advice", "advice"),
    text("ledger", "ledger"),
];

/// Changes of limits, by time.
///
/// | column | meaning and unit |
/// |---|---|
/// | `at` | when it changed |
/// | `provider` | `anthropic`, `openai`, ... |
/// | `scope_kind` | `organization`, `project`, `workspace`, `account` |
/// | `scope` | provider's id of it, or the account's label |
/// | `class` | models that share the bucket |
/// | `dimension` | `requests`, `input_tokens`, ... |
/// | `period_secs` | seconds over which it is metered; 0: at the same time |
/// | `old_limit` | capacity before, in the dimension's unit; unknown if there was none |
/// | `new_limit` | capacity from then on |
/// | `source` | `header`, `refusal`, `admin`, `user`, `learned`, `catalog DATE` |
pub const LIMITS: &[Column] = &[
    time("at", "at"),
    text("provider", "provider"),
    text("scope_kind", "scope_kind"),
    text("scope", "scope"),
    text("class", "class"),
    text("dimension", "dimension"),
    number("period_secs", "period_secs"),
    number("old_limit", "old_capacity"),
    number("new_limit", "new_capacity"),
    text("source", "source"),
];
