//! A client of the simulated provider, and bodies to send to it.

use std::sync::LazyLock;
use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tierline::sim::{Identity, OutputLength, Sim, SimConfig, SimHandle, SimProvider, SimStats};

pub(crate) const ORG: &str = "org-AAA";
pub(crate) const KEY: &str = "test-key";

pub(crate) const MESSAGES: &str = "/v1/messages";
pub(crate) const CHAT: &str = "/v1/chat/completions";
pub(crate) const RESPONSES: &str = "/v1/responses";
pub(crate) const GENERATE: &str = "/v1beta/models/gemini-3.8-flash:generateContent";
pub(crate) const STREAM: &str = "/v1beta/models/gemini-3.8-flash:streamGenerateContent";

pub(crate) const PROVIDERS: [SimProvider; 4] = [SimProvider::Anthropic, SimProvider::OpenAi, SimProvider::Gemini, SimProvider::DeepSeek];

/// A provider without limits whose answers have twenty tokens.
pub(crate) fn config(provider: SimProvider) -> SimConfig {
    let identity = Identity { organization: Some(ORG.into()), ..Identity::default() };
    let output = OutputLength { tokens: 20, spread_percent: 0, tokens_per_chunk: 3 };
    SimConfig { provider, identity, output, ..SimConfig::default() }
}

pub(crate) async fn start(config: SimConfig) -> SimHandle {
    Sim::start(config, "127.0.0.1:0".parse().unwrap()).await.unwrap()
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The header, or `-`.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("-", |value| value.to_str().unwrap())
    }

    /// The data of each event.
    pub(crate) fn events(&self) -> Vec<Value> {
        let data = self.text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
    }

    /// The texts at `pointer` in all events, joined.
    pub(crate) fn joined(&self, pointer: &str) -> String {
        self.events().iter().filter_map(|event| event.pointer(pointer)?.as_str().map(str::to_owned)).collect()
    }
}

/// One client for all tests, since making one is slow; it keeps no connections, since each test has its own runtime.
pub(crate) fn client() -> reqwest::Client {
    static CLIENT: LazyLock<reqwest::Client> =
        LazyLock::new(|| reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap());
    CLIENT.clone()
}

pub(crate) fn request(sim: &SimHandle, path: &str, body: &Value) -> reqwest::RequestBuilder {
    let post = client().post(format!("{}{path}", sim.url())).header("anthropic-version", "2023-06-01").body(body.to_string());
    if path.contains("/models/") { post.header("x-goog-api-key", KEY) } else { post.bearer_auth(KEY) }
}

pub(crate) async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}

pub(crate) async fn post(sim: &SimHandle, path: &str, body: &Value) -> Answer {
    send(request(sim, path, body)).await
}

/// Looks until the stats are as wanted.
pub(crate) async fn stats_when(sim: &SimHandle, what: &str, wanted: impl Fn(&SimStats) -> bool) -> SimStats {
    let look = async {
        while !wanted(&sim.stats()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), look).await.unwrap_or_else(|_| panic!("never {what}: {:?}", sim.stats()));
    sim.stats()
}

pub(crate) fn message(text: &str) -> Value {
    json!({"model": "claude-sonnet-5-5", "max_tokens": 100, "messages": [{"role": "user", "content": text}]})
}

pub(crate) fn chat(text: &str) -> Value {
    json!({"model": "gpt-5.1", "messages": [{"role": "user", "content": text}]})
}

pub(crate) fn generate(text: &str) -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": text}]}]})
}

pub(crate) fn with(mut body: Value, field: &str, value: impl Into<Value>) -> Value {
    body[field] = value.into();
    body
}

/// A call that this provider answers.
pub(crate) fn call_of(provider: SimProvider) -> (&'static str, Value) {
    match provider {
        SimProvider::Anthropic => (MESSAGES, message("hello")),
        SimProvider::OpenAi => (CHAT, chat("hello")),
        SimProvider::Gemini => (GENERATE, generate("hello")),
        SimProvider::DeepSeek => (CHAT, with(chat("hello"), "model", "deepseek-flash")),
    }
}
