//! Answers that the gateway gives itself.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Full};

use crate::provider::LocalAnswer;
use crate::upstream::UpstreamBody;

/// The body of every answer.
pub(super) type AnswerBody = UpstreamBody;

/// Who refused a request, where it was not the provider.
pub(super) const REFUSED_BY: HeaderName = HeaderName::from_static("x-tierline-refused-by");

const FRONT_PAGE: &str = "Tierline's gateway. It passes requests on to LLM providers within their rate limits.

Point a client at it with its base URL, and use a local token (tierline token new --client NAME) as the API key:
  /anthropic   for https://api.anthropic.com
  /openai/v1   for https://api.openai.com/v1
  /gemini      for https://generativelanguage.googleapis.com
  /deepseek    for https://api.deepseek.com
  /custom/LABEL
";

/// What a person with a browser sees.
pub(super) fn front_page() -> Response<AnswerBody> {
    text(StatusCode::OK, FRONT_PAGE)
}

/// A line of text.
pub(super) fn text(status: StatusCode, text: &'static str) -> Response<AnswerBody> {
    let mut response = Response::new(whole(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !status.is_success() {
        headers.insert(REFUSED_BY, HeaderValue::from_static("gateway"));
    }
    response
}

/// The page for monitoring systems.
pub(super) fn metrics(page: String) -> Response<AnswerBody> {
    let mut response = Response::new(whole(page.into()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A refusal in the provider's shape, marked as ours.
pub(super) fn local(answer: LocalAnswer) -> Response<AnswerBody> {
    let mut response = Response::new(whole(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response.headers_mut().insert(REFUSED_BY, HeaderValue::from_static("gateway"));
    response
}

fn whole(bytes: Bytes) -> AnswerBody {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}
