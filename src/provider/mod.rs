//! Wire adapters: headers and bytes in, domain values out. Pure, total, capped; no I/O, no clock.
//!
//! Every header may be absent, negative, rounded, renamed; every body may be cut, wrapped or not JSON at all.
//! What cannot be read becomes `None` and, where a person should know, an [`Oddity`](crate::domain::Oddity).

mod admin;
pub mod credential;
pub mod delay;
mod ends;
pub mod error_body;
pub mod facts;
mod json;
mod lenient;
pub mod probe;
pub mod refusal;
pub mod snapshot;
mod sse;
pub mod usage;
pub mod wire;

pub use admin::{
    AdminPage, ConfiguredLimit, NoAdminApi, ReportPage, admin_costs_path, admin_limits_path, admin_page, admin_usage_paths,
    admin_workspace_path, read_admin_costs, read_admin_limits, read_admin_usage,
};
pub use credential::{Presented, authorize, presented, without_credentials};
pub use ends::listed_ends;
pub use error_body::{
    LocalAnswer, bad_gateway, bad_request, forbidden, http_required, local_refusal, not_found, stream_error_event, unauthorized,
};
pub use facts::{is_tied, path_with_model, request_facts, socket_facts};
pub use probe::{ProbePlan, admin_plan, probe_check, probe_plan, read_probe};
pub use refusal::verdict;
pub use snapshot::snapshot;
pub use usage::{SessionReader, UsageReader, counted};
