//! The simulated provider: Anthropic, OpenAI, Gemini or DeepSeek on loopback, as strict as the real one and free of charge.
//!
//! It stands in for a provider in the demo, in tests and benchmarks, and for anybody who wants to try backoff code
//! without spending money. It is faithful at the level of limits, headers, rounding, refusals, usage, streams and faults;
//! its answers are filler words. It shares no code with the limiter or the wire adapters it is used to judge, and it
//! never reads, stores or prints the keys it is shown.
//!
//! A request's way, a file per step: `server` accepts, `service` walks the request through `route`, `auth`, `ask`
//! (the body, read by its `wire`), `fault`, `meters` (all buckets or none) and answers with what `wire` writes, the
//! headers that `provider` knows, at the pace that `paced` keeps. A `ticket` holds what was charged and settles it once.
//! Batches (`batch`) are a world of their own, which only shares the wires.

mod answer;
mod ask;
mod auth;
mod batch;
mod bucket;
mod class;
mod cli;
mod clock;
mod config;
mod connection;
mod fault;
mod meters;
mod paced;
mod prompt;
mod prompt_cache;
mod provider;
mod rng;
mod route;
mod script;
mod server;
mod service;
mod state;
mod stats;
mod ticket;
mod tool;
mod wire;

pub use cli::{SimArgs, SimError, run};
pub use config::{
    Batches, Charge, CoTenant, HeaderMode, Identity, Key, Latency, Limits, OutputLength, RefillRule, SimConfig, SimProvider,
    TokenCountLimit,
};
pub use fault::{Fault, Faults, ScriptedFault};
pub use server::{Sim, SimHandle};
pub use stats::{ModelStats, SimStats};
