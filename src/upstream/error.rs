//! What can go wrong on the way to a provider, in which phase, and what a person can do about it.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use http::{Method, Uri};

/// The phase in which a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The host's name has no address.
    Dns,
    /// No connection.
    Connect,
    /// A connection, but not a trusted one.
    Tls,
    /// The provider gave the request back unprocessed: REFUSED_STREAM (RFC 9113, section 8.7).
    NotTaken,
    /// The connection broke before the head of the answer was whole.
    BeforeHead,
    /// No head for longer than this.
    HeadTimeout(Duration),
    /// The answer began, then said nothing for longer than this.
    IdleTimeout(Duration),
    /// The answer began, then broke off.
    MidBody,
}

/// A failed request. Its text holds the host, never the path, the query or a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamError {
    failure: Failure,
    host: String,
    cause: Option<String>,
}

impl UpstreamError {
    /// A failure at this URL.
    #[must_use]
    pub fn new(failure: Failure, url: &Uri) -> Self {
        let host = url.authority().map_or_else(|| "the provider".to_owned(), ToString::to_string);
        Self { failure, host, cause: None }
    }

    /// The same with the cause as the system told it.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// In which phase it failed.
    #[must_use]
    pub const fn failure(&self) -> Failure {
        self.failure
    }

    /// Whether the same request may be sent again by itself: nothing of it can have been processed, or nothing comes of
    /// processing it twice.
    ///
    /// A connection that breaks before the head proves nothing: the provider may be generating, and charging, already.
    #[must_use]
    pub fn safe_to_retry(&self, method: &Method) -> bool {
        match self.failure {
            Failure::Dns | Failure::Connect | Failure::Tls | Failure::NotTaken => true,
            Failure::BeforeHead => method.is_safe(),
            Failure::HeadTimeout(_) | Failure::IdleTimeout(_) | Failure::MidBody => false,
        }
    }

    /// What happened, without advice.
    #[must_use]
    pub fn reason(&self) -> String {
        Reason(self).to_string()
    }

    /// What the user can do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self.failure {
            Failure::Dns => "check the network connection and the account's base URL",
            Failure::Connect => "check the network connection, the firewall and the proxy settings",
            Failure::Tls => "check the clock, the installed root certificates and whether something on the way intercepts TLS",
            Failure::NotTaken => "the provider is restarting or full; try again in a moment",
            Failure::BeforeHead => "the request may have been processed; it was not repeated, send it again if that does no harm",
            Failure::HeadTimeout(_) => "the provider may be overloaded; try again later, or stream the answer",
            Failure::IdleTimeout(_) | Failure::MidBody => "what arrived is incomplete; send the request again",
        }
    }
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", Reason(self), self.hint())
    }
}

/// What happened, without advice.
struct Reason<'a>(&'a UpstreamError);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UpstreamError { failure, host, cause } = self.0;
        match failure {
            Failure::Dns => write!(f, "no address found for {host}")?,
            Failure::Connect => write!(f, "no connection to {host}")?,
            Failure::Tls => write!(f, "no trusted connection to {host}")?,
            Failure::NotTaken => write!(f, "{host} gave the request back unprocessed")?,
            Failure::BeforeHead => write!(f, "{host} closed the connection before it answered")?,
            Failure::HeadTimeout(limit) => write!(f, "{host} did not begin to answer within {} s", limit.as_secs())?,
            Failure::IdleTimeout(limit) => write!(f, "{host} fell silent for {} s in the middle of its answer", limit.as_secs())?,
            Failure::MidBody => write!(f, "{host} broke off in the middle of its answer")?,
        }
        if let Some(cause) = cause {
            write!(f, " ({cause})")?;
        }
        Ok(())
    }
}

impl Error for UpstreamError {}

/// The innermost cause, which is the one that says something.
pub(super) fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_not_processed_or_does_no_harm_is_safe_to_repeat() {
        let second = Duration::from_secs(1);
        for (failure, post, get) in [
            (Failure::Dns, true, true),
            (Failure::Connect, true, true),
            (Failure::Tls, true, true),
            (Failure::NotTaken, true, true),
            (Failure::BeforeHead, false, true),
            (Failure::HeadTimeout(second), false, false),
            (Failure::IdleTimeout(second), false, false),
            (Failure::MidBody, false, false),
        ] {
            let error = UpstreamError::new(failure, &Uri::from_static("https://api.example.com/v1/models?key=hidden"));
            assert_eq!((error.safe_to_retry(&Method::POST), error.safe_to_retry(&Method::GET)), (post, get), "{failure:?}");
            assert!(error.to_string().contains("api.example.com"), "{error}");
            assert!(!error.to_string().contains("hidden"), "{error}");
        }
    }
}
