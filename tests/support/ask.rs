//! A client of the gateway that knows no provider: it sends a body with a key and shows what came back.

use http::HeaderMap;
use serde_json::{Value, json};

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// Posts a body, with the key where every provider's route accepts it.
pub(crate) async fn post(url: &str, key: &str, body: impl Into<reqwest::Body>) -> Reply {
    post_with(url, key, &[], body).await
}

/// The same with more headers.
pub(crate) async fn post_with(url: &str, key: &str, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Reply {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(url).bearer_auth(key).header("anthropic-version", "2023-06-01").header("content-type", "application/json");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = request.body(body).send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Reply { status, headers, text: answer.text().await.unwrap() }
}

/// A small request for Anthropic's messages.
pub(crate) fn message() -> String {
    json!({ "model": "claude-sonnet-5-5", "max_tokens": 40, "messages": [{ "role": "user", "content": "how many requests are left" }] })
        .to_string()
}
