//! The same over real sockets and in real time (L6): a simulated provider for each client, Tierline's own before a whole gateway.
//!
//! The provider here is [`sim`](crate::sim), which shares no code with the limiter. All clients run at the same time, each with
//! the same requests.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::baselines::{self, Policy};
use super::goodput::{Figures, Row};
use super::world::anthropic_entry;
use super::world::upstream::{Job, Rule};
use crate::domain::command::NewAccount;
use crate::domain::{Dimension, Lane, Problem, Provider, Secret};
use crate::engine::Engine;
use crate::limiter::random::Random;
use crate::sim::{Latency, Limits, Sim, SimConfig, SimHandle, SimProvider};

/// The one key that the simulated providers take. It opens nothing else.
const KEY: &str = "sk-bench-simulated-key-000000000000000";
const MODEL: &str = "claude-sonnet-5-5";
const CASE: &str = "L6 over real sockets, entry limits of Anthropic";
const DEMANDED: &str = "E >= .94, R429 0";

/// Everybody at work. It all ends when this is dropped.
pub struct Real {
    clients: Vec<Client>,
    began: Instant,
}

/// How far a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Which.
    pub client: &'static str,
    /// Answers it has.
    pub done: u64,
    /// Jobs it gave up.
    pub failed: u64,
    /// What its provider refused.
    pub refused: u64,
}

struct Client {
    name: &'static str,
    sim: SimHandle,
    seen: Arc<Seen>,
    work: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    done: AtomicU64,
    failed: AtomicU64,
    /// Milliseconds from the start to the last answer.
    last_millis: AtomicU64,
}

/// Where a client sends its requests, and what it shows there.
#[derive(Clone)]
struct Door {
    http: reqwest::Client,
    url: String,
    token: Secret,
}

/// What came of one attempt.
enum Answer {
    Whole,
    /// With the provider's hint in milliseconds, 0 if there is none.
    Refused(u64),
    Lost,
}

impl Real {
    /// Sends `requests` mixed requests through `engine`, which must be new, and as many past it by each baseline.
    ///
    /// # Errors
    /// A port cannot be had, or the engine takes no account.
    pub async fn start(engine: &Engine, requests: u64, seed: u64) -> Result<Self, Problem> {
        let http =
            reqwest::Client::builder().no_proxy().build().map_err(|error| Problem::new("no HTTP client could be made").because(error))?;
        let key = Secret::from_pasted(KEY).map_err(|why| Problem::new(why.to_string()))?;
        let jobs = mixed(requests, seed);
        let sim = provider(seed).await?;
        let new = NewAccount { provider: Provider::Anthropic, label: "bench".into(), base_url: Some(sim.url()), key: key.clone() };
        engine.registry().add(new).await?;
        let token = engine.registry().new_token("bench").await?;
        let mut baselines = Vec::new();
        for policy in Policy::ALL {
            baselines.push((policy, provider(seed).await?));
        }
        let began = Instant::now();
        let door = Door { http: http.clone(), url: format!("{}/anthropic/v1/messages", engine.url()?), token };
        let mut clients = vec![through_tierline(sim, &door, &jobs, began)];
        for (policy, sim) in baselines {
            let door = Door { http: http.clone(), url: format!("{}/v1/messages", sim.url()), token: key.clone() };
            clients.push(by_itself(policy, sim, door, jobs.clone(), began));
        }
        Ok(Self { clients, began })
    }

    /// How far each client is, Tierline first.
    #[must_use]
    pub fn progress(&self) -> Vec<Progress> {
        let progress = |client: &Client| Progress {
            client: client.name,
            done: client.seen.done.load(Relaxed),
            failed: client.seen.failed.load(Relaxed),
            refused: client.sim.stats().refused_total(),
        };
        self.clients.iter().map(progress).collect()
    }

    /// Seconds since the start.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    /// Waits until everybody is through.
    pub async fn finish(&mut self) {
        for client in &mut self.clients {
            while client.work.join_next().await.is_some() {}
        }
    }

    /// How each did, Tierline first: each against the least possible time for what its provider charged it.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let row = |client: &Client| {
            let demanded = if client.name == Row::OWN { DEMANDED } else { "" };
            Row::mean(CASE, client.name, &[client.figures()], demanded)
        };
        self.clients.iter().map(row).collect()
    }
}

impl Client {
    fn figures(&self) -> Figures {
        let stats = self.sim.stats();
        let makespan_secs = self.seen.last_millis.load(Relaxed) as f64 / 1e3;
        let work = |dimension| match dimension {
            Dimension::InputTokens => stats.charged_input,
            Dimension::OutputTokens => stats.charged_output,
            _ => stats.admitted,
        };
        // a bucket begins full, with a minute's room
        let bound = |rule: &Rule| (work(rule.dimension) as f64 - rule.per_minute) / (rule.per_minute / 60.0);
        let bound_secs = limits().iter().map(bound).fold(0.0, f64::max);
        Figures {
            // what fits in full buckets has no bound
            efficiency: if bound_secs > 0.0 { bound_secs / makespan_secs } else { f64::NAN },
            requests: stats.requests,
            refused: stats.refused_total(),
            failed: self.seen.failed.load(Relaxed),
            makespan_secs,
            bound_secs,
        }
    }
}

impl Seen {
    fn done(&self, began: Instant) {
        self.done.fetch_add(1, Relaxed);
        self.last_millis.fetch_max(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX), Relaxed);
    }

    fn failed(&self) {
        self.failed.fetch_add(1, Relaxed);
    }
}

impl Door {
    async fn send(&self, job: &Job) -> Answer {
        let prompt = "limit ".repeat(usize::try_from(job.input).unwrap_or(0));
        let body = json!({
            "model": MODEL, "max_tokens": 1_024, "metadata": { "user_id": format!("out={}", job.output) },
            "messages": [{ "role": "user", "content": prompt }],
        });
        let request = self.http.post(&self.url).header("x-api-key", self.token.expose()).header("anthropic-version", "2023-06-01");
        let Ok(answer) = request.header("content-type", "application/json").body(body.to_string()).send().await else {
            return Answer::Lost;
        };
        let status = answer.status().as_u16();
        let hint = answer.headers().get("retry-after").and_then(|secs| secs.to_str().ok()?.parse::<u64>().ok());
        match (status, answer.bytes().await) {
            (200, Ok(_)) => Answer::Whole,
            (429 | 529, _) => Answer::Refused(hint.unwrap_or(0) * 1_000),
            _ => Answer::Lost,
        }
    }
}

/// Everything at once, and nothing is repeated: waiting is the gateway's.
fn through_tierline(sim: SimHandle, door: &Door, jobs: &[Job], began: Instant) -> Client {
    let seen = Arc::new(Seen::default());
    let mut work = JoinSet::new();
    for &job in jobs {
        let (door, seen) = (door.clone(), Arc::clone(&seen));
        work.spawn(async move {
            match door.send(&job).await {
                Answer::Whole => seen.done(began),
                Answer::Refused(_) | Answer::Lost => seen.failed(),
            }
        });
    }
    Client { name: Row::OWN, sim, seen, work }
}

/// Straight to the provider, as `policy` says.
fn by_itself(policy: Policy, sim: SimHandle, door: Door, jobs: Vec<Job>, began: Instant) -> Client {
    let seen = Arc::new(Seen::default());
    let counted = Arc::clone(&seen);
    let mut work = JoinSet::new();
    work.spawn(async move {
        let books = Arc::new(Mutex::new(baselines::Account::all(&limits())));
        let at_once = Arc::new(Semaphore::new(if policy == Policy::Semaphore { baselines::AT_ONCE } else { jobs.len().max(1) }));
        let mut queue: VecDeque<(Job, u32)> = jobs.iter().map(|job| (*job, 0)).collect();
        let mut out: JoinSet<Option<(Job, u32)>> = JoinSet::new();
        loop {
            let Some((job, attempts)) = queue.pop_front() else {
                // the rest is on its way; a refused one comes back
                match out.join_next().await {
                    None => return,
                    Some(again) => queue.extend(again.ok().flatten()),
                }
                continue;
            };
            let Ok(place) = Arc::clone(&at_once).acquire_owned().await else { return };
            loop {
                let now = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
                let go = baselines::may_go(policy, &mut books.lock().unwrap_or_else(PoisonError::into_inner), &job, now);
                let Err(at) = go else { break };
                tokio::time::sleep(Duration::from_nanos(at.saturating_sub(now))).await;
            }
            let (door, seen, books) = (door.clone(), Arc::clone(&counted), Arc::clone(&books));
            out.spawn(async move {
                let answer = door.send(&job).await;
                drop(place);
                match answer {
                    Answer::Whole => {
                        baselines::answered(policy, &mut books.lock().unwrap_or_else(PoisonError::into_inner), &job);
                        seen.done(began);
                        None
                    }
                    Answer::Refused(hint) if attempts + 1 < baselines::ATTEMPTS => {
                        let mut random = Random::new(job.bytes ^ u64::from(attempts));
                        tokio::time::sleep(Duration::from_millis(baselines::pause(attempts + 1, hint, &mut random))).await;
                        Some((job, attempts + 1))
                    }
                    Answer::Refused(_) | Answer::Lost => {
                        seen.failed();
                        None
                    }
                }
            });
            while let Some(again) = out.try_join_next() {
                queue.extend(again.ok().flatten());
            }
        }
    });
    Client { name: policy.name(), sim, seen, work }
}

/// 50 RPM, 30,000 ITPM, 8,000 OTPM, each a minute's room at once.
fn limits() -> Vec<Rule> {
    anthropic_entry(60.0)
}

async fn provider(seed: u64) -> Result<SimHandle, Problem> {
    let config = SimConfig {
        provider: SimProvider::Anthropic,
        limits: Limits { rpm: Some(50), itpm: Some(30_000), otpm: Some(8_000), ..Limits::default() },
        latency: Latency { first_byte_ms: 300, per_token_ms: 8, jitter_percent: 30, ..Latency::default() },
        keys: vec![KEY.into()],
        seed,
        ..SimConfig::default()
    };
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Sim::start(config, listen).await.map_err(|error| Problem::new("a simulated provider could not start").because(error))
}

/// Short and long ones, so that now requests bind and now tokens.
fn mixed(requests: u64, seed: u64) -> Vec<Job> {
    let mut random = Random::new(seed);
    let job = |_| {
        let input = 60 + random.below(480);
        Job {
            client: "bench",
            lane: Lane::Batch,
            arrives: 0,
            bytes: input * 6 + random.below(100),
            input,
            output: 20 + random.below(240),
            first_secs: 0.0,
            secs: 0.0,
        }
    };
    (0..requests).map(job).collect()
}
