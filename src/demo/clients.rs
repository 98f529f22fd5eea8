//! Programs with different habits: an agent in bursts, a person who chats, a script in a hurry, a nightly batch.

use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::domain::{Problem, Secret};
use crate::engine::Engine;
use crate::limiter::random::Random;
use crate::upstream::{HttpUpstream, Upstream, UpstreamRequest};

/// How a program behaves.
#[derive(Clone, Copy)]
struct Habit {
    client: &'static str,
    path: &'static str,
    model: &'static str,
    /// Requests at a time.
    burst: u64,
    /// Milliseconds between bursts, on average.
    pause_millis: u64,
    /// Words of a prompt, on average.
    words: u64,
    max_output: u64,
    stream: bool,
    batch: bool,
}

const HABITS: [Habit; 7] = [
    Habit {
        client: "coding-agent",
        path: "/anthropic/v1/messages",
        model: "claude-sonnet-5-5",
        burst: 6,
        pause_millis: 4_000,
        words: 420,
        max_output: 700,
        stream: true,
        batch: false,
    },
    Habit {
        client: "chat",
        path: "/anthropic/v1/messages",
        model: "claude-sonnet-5-5",
        burst: 1,
        pause_millis: 7_000,
        words: 90,
        max_output: 400,
        stream: true,
        batch: false,
    },
    Habit {
        client: "notebook",
        path: "/openai/v1/chat/completions",
        model: "gpt-5-mini",
        burst: 4,
        pause_millis: 4_000,
        words: 260,
        max_output: 500,
        stream: false,
        batch: false,
    },
    Habit {
        client: "search-index",
        path: "/openai/v1/embeddings",
        model: "text-embedding-3-small",
        burst: 6,
        pause_millis: 5_000,
        words: 120,
        max_output: 0,
        stream: false,
        batch: false,
    },
    Habit {
        client: "notebook",
        path: "/gemini/v1beta/models/gemini-3.8-flash:generateContent",
        model: "gemini-3.8-flash",
        burst: 2,
        pause_millis: 5_000,
        words: 160,
        max_output: 300,
        stream: false,
        batch: false,
    },
    Habit {
        client: "summaries",
        path: "/deepseek/chat/completions",
        model: "deepseek-flash",
        burst: 5,
        pause_millis: 4_500,
        words: 200,
        max_output: 400,
        stream: true,
        batch: false,
    },
    Habit {
        client: "nightly-batch",
        path: "/anthropic/v1/messages",
        model: "claude-haiku-5-5",
        burst: 12,
        pause_millis: 20_000,
        words: 150,
        max_output: 300,
        stream: false,
        batch: true,
    },
];

/// Makes a token for each program and lets it run until it is aborted.
pub(super) async fn start(engine: &Engine, seed: u64) -> Result<Vec<JoinHandle<()>>, Problem> {
    let url = engine.url()?.to_owned();
    let gateway: Arc<dyn Upstream> = Arc::new(HttpUpstream::default());
    let mut tokens: Vec<(&str, Secret)> = Vec::new();
    let mut tasks = Vec::new();
    for (index, habit) in HABITS.into_iter().enumerate() {
        let token = if let Some((_, token)) = tokens.iter().find(|(name, _)| *name == habit.client) {
            token.clone()
        } else {
            let token = engine.registry().new_token(habit.client).await?;
            tokens.push((habit.client, token.clone()));
            token
        };
        tasks.push(tokio::spawn(run(habit, url.clone(), token, Arc::clone(&gateway), Random::new(seed.wrapping_add(index as u64)))));
    }
    Ok(tasks)
}

async fn run(habit: Habit, url: String, token: Secret, gateway: Arc<dyn Upstream>, mut random: Random) {
    loop {
        let burst = (0..habit.burst).map(|_| {
            let words = habit.words / 2 + random.below(habit.words);
            let asked = request(habit, &url, &token, &body(habit, words)).map(|request| gateway.send(request));
            async move {
                // the gateway records what becomes of it; the program only has to read the answer
                if let Some(asked) = asked
                    && let Ok(answer) = asked.await
                {
                    let _ = answer.body.collect().await;
                }
            }
        });
        futures_util::future::join_all(burst.collect::<Vec<_>>()).await;
        let pause = habit.pause_millis / 2 + random.below(habit.pause_millis);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

fn request(habit: Habit, url: &str, token: &Secret, body: &Value) -> Option<UpstreamRequest> {
    let url = format!("{url}{}", habit.path).parse().ok()?;
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose())).ok()?;
    bearer.set_sensitive(true);
    let lane = HeaderValue::from_static(if habit.batch { "batch" } else { "interactive" });
    let mut headers = HeaderMap::from_iter([
        (AUTHORIZATION, bearer),
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (HeaderName::from_static("x-tierline-priority"), lane),
    ]);
    if habit.path.starts_with("/anthropic") {
        headers.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
    }
    Some(UpstreamRequest { method: Method::POST, url, headers, body: body.to_string().into(), trailers: HeaderMap::new() })
}

fn body(habit: Habit, words: u64) -> Value {
    let prompt: String = (0..words).map(|n| ["limit ", "token ", "minute ", "bucket "][(n % 4) as usize]).collect();
    let Habit { model, max_output, stream, .. } = habit;
    match habit.path {
        path if path.ends_with("embeddings") => json!({ "model": model, "input": prompt }),
        path if path.starts_with("/gemini") => {
            json!({ "contents": [{ "role": "user", "parts": [{ "text": prompt }] }], "generationConfig": { "maxOutputTokens": max_output } })
        }
        path if path.starts_with("/anthropic") => {
            json!({ "model": model, "max_tokens": max_output, "stream": stream, "messages": [{ "role": "user", "content": prompt }] })
        }
        _ if stream => json!({
            "model": model, "max_tokens": max_output, "stream": true, "stream_options": { "include_usage": true },
            "messages": [{ "role": "user", "content": prompt }],
        }),
        _ => json!({ "model": model, "max_tokens": max_output, "messages": [{ "role": "user", "content": prompt }] }),
    }
}
