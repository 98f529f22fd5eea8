//! The demo: simulated providers on loopback, a few programs with different habits, and a small batch, through the real gateway.

mod clients;
mod summary;

use std::net::{Ipv4Addr, SocketAddr};

use crate::domain::command::{NewAccount, UserLimit};
use crate::domain::{Dimension, Period, Problem, Provider, Secret};
use crate::engine::Engine;
use crate::sim::{CoTenant, Latency, Limits, OutputLength, Sim, SimConfig, SimHandle, SimProvider};

pub use summary::{Summary, status_line, summarise};

/// The simulated providers and what talks to them. Everything ends when this is dropped.
pub struct Demo {
    sims: Vec<(SimProvider, SimHandle)>,
    clients: Vec<tokio::task::JoinHandle<()>>,
}

/// The one key that the simulated providers take. It opens nothing else.
const KEY: &str = "sk-demo-simulated-key-0000000000000000";

impl Demo {
    /// Starts the providers, stores an account for each, and lets the clients run.
    ///
    /// # Errors
    /// A port cannot be had, or the engine takes no account.
    pub async fn start(engine: &Engine, seed: u64) -> Result<Self, Problem> {
        let key = Secret::from_pasted(KEY).map_err(|why| Problem::new(why.to_string()))?;
        let mut sims = Vec::new();
        for config in providers(seed) {
            let provider = config.provider;
            let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let sim =
                Sim::start(config, listen).await.map_err(|error| Problem::new("a simulated provider could not start").because(error))?;
            let (provider_of, label) = match provider {
                SimProvider::Anthropic => (Provider::Anthropic, "claude-work"),
                SimProvider::OpenAi => (Provider::OpenAi, "openai-main"),
                SimProvider::Gemini => (Provider::Gemini, "gemini-free"),
                SimProvider::DeepSeek => (Provider::DeepSeek, "deepseek"),
            };
            let new = NewAccount { provider: provider_of, label: label.into(), base_url: Some(sim.url()), key: key.clone() };
            engine.registry().add(new).await?;
            sims.push((provider, sim));
        }
        // what nobody tells about Gemini: the user sets it, as AI Studio shows it
        let gemini =
            engine.registry().known().accounts.iter().find(|account| account.provider == Provider::Gemini).map(|account| account.id);
        if let Some(account) = gemini {
            for (dimension, capacity) in [(Dimension::Requests, 30), (Dimension::Tokens, 60_000)] {
                let limit = UserLimit { account, class: None, dimension, period: Period::MINUTE, capacity: Some(capacity) };
                engine.registry().set_limit(limit).await?;
            }
        }
        let clients = clients::start(engine, seed).await?;
        Ok(Self { sims, clients })
    }

    /// What the providers have seen, added up: requests and refusals for a limit.
    #[must_use]
    pub fn seen(&self) -> (u64, u64) {
        self.sims
            .iter()
            .map(|(_, sim)| sim.stats())
            .fold((0, 0), |(requests, refused), stats| (requests + stats.requests, refused + stats.refused_total()))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.clients.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

/// Four providers, small enough that a minute of watching shows every kind of wait.
fn providers(seed: u64) -> Vec<SimConfig> {
    let latency = Latency { first_byte_ms: 250, per_token_ms: 8, jitter_percent: 30, ..Latency::default() };
    let output = OutputLength { tokens: 280, spread_percent: 60, ..OutputLength::default() };
    let base = SimConfig { latency, output, keys: vec![KEY.into()], seed, ..SimConfig::default() };
    vec![
        SimConfig {
            provider: SimProvider::Anthropic,
            // the entry limits of before 2026-06-26, which many accounts still know
            limits: Limits { rpm: Some(50), itpm: Some(30_000), otpm: Some(8_000), ..Limits::default() },
            co_tenant: CoTenant { rpm: 4, input_tpm: 2_000, output_tpm: 600 },
            ..base.clone()
        },
        SimConfig {
            provider: SimProvider::OpenAi,
            limits: Limits { rpm: Some(500), tpm: Some(60_000), ..Limits::default() },
            ..base.clone()
        },
        SimConfig {
            provider: SimProvider::Gemini,
            limits: Limits { rpm: Some(30), tpm: Some(60_000), rpd: Some(1_500), ..Limits::default() },
            ..base.clone()
        },
        SimConfig { provider: SimProvider::DeepSeek, limits: Limits { concurrency: Some(6), ..Limits::default() }, ..base },
    ]
}
