//! Files of requests, run at the edge of the limits.

pub mod input;
