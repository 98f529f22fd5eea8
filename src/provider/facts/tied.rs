//! Whether a request leans on something that only one account of its provider has: an uploaded file, a stored answer.

use memchr::memmem;
use serde::Deserialize;

use crate::domain::Api;

/// Fields whose values an account keeps: files, earlier answers, containers and caches. Inside a text their quotes are
/// escaped, so that talk about such a field is not taken for one.
const KEPT: [&str; 8] = [
    "\"file_id\"",
    "\"previous_response_id\"",
    "\"conversation\"",
    "\"container\"",
    "\"cachedContent\"",
    "\"cached_content\"",
    "\"fileUri\"",
    "\"file_uri\"",
];

/// Whether a request must go to the account that others of its kind went to. What is not generation may make such things
/// (files, batches) or look at them; OpenAI's `/responses` keeps its answers unless the request says `"store": false`.
#[must_use]
pub fn is_tied(api: Api, body: &[u8]) -> bool {
    match api {
        Api::Responses if !is_forgotten(body) => true,
        Api::Messages
        | Api::ChatCompletions
        | Api::Completions
        | Api::Responses
        | Api::GenerateContent
        | Api::Embeddings
        | Api::CountTokens => KEPT.iter().any(|field| memmem::find(body, field.as_bytes()).is_some()),
        Api::Interactions | Api::Images | Api::Audio | Api::Models | Api::Batches | Api::Other => true,
    }
}

fn is_forgotten(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Stored {
        store: Option<bool>,
    }
    serde_json::from_slice::<Stored>(body).is_ok_and(|body| body.store == Some(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_account_keeps_ties_a_request_to_it() {
        for (api, body, tied) in [
            (Api::Messages, r#"{"messages":[{"content":"hi"}]}"#, false),
            (Api::Messages, r#"{"messages":[{"content":[{"source":{"type":"file","file_id":"f"}}]}]}"#, true),
            (Api::Messages, r#"{"messages":[{"content":"what is \"file_id\" for?"}]}"#, false),
            (Api::Messages, r#"{"container":"c","messages":[]}"#, true),
            (Api::ChatCompletions, "{}", false),
            (Api::GenerateContent, r#"{"cachedContent":"cachedContents/1"}"#, true),
            (Api::Responses, r#"{"input":"hi"}"#, true),
            (Api::Responses, r#"{"input":"hi","store":true}"#, true),
            (Api::Responses, r#"{"input":"hi","store":false}"#, false),
            (Api::Responses, r#"{"input":"hi","store":false,"previous_response_id":"r"}"#, true),
            (Api::Embeddings, "", false),
            (Api::Models, "", true),
            (Api::Other, "", true),
        ] {
            assert_eq!(is_tied(api, body.as_bytes()), tied, "{api:?} {body}");
        }
    }
}
