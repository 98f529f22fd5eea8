//! The door through which the user's programs reach the providers: loopback only, bytes untouched, one admission each.
//!
//! ```text
//! server -> service -> guard (host, origin) -> target (which provider) -> call (whose token, which account, what leaves)
//!                   -> request_body -> ways (which of several accounts) -> forward: admission, upstream, retries -> tap: the answer as it passes
//! ```
//!
//! What it refuses to know: prices, limits, how a provider spells anything. What happened to a request is kept in its
//! `trail`, which ends in exactly one `Finished` event, whatever becomes of the request.

pub mod admission;
mod alias;
mod at_once;
mod call;
mod forward;
mod guard;
mod headers;
mod late;
pub mod parts;
mod replay;
mod request_body;
mod respond;
pub mod routes;
pub mod server;
mod service;
mod socket;
mod strict;
mod tap;
mod target;
mod trail;
mod under_way;
mod ways;
mod wishes;

pub use admission::{Admission, Hold};
pub use parts::{Parts, Patience};
pub use routes::{ClientToken, Endpoint, Routes};
pub use server::{Drained, Gateway};
