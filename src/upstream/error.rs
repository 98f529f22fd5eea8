//! What can go wrong on the way to a provider, in which phase, and what a person can do about it.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use http::Uri;

/// The phase in which a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The host's name has no address.
    Dns,
    /// No connection.
    Connect,
    /// A connection, but not a trusted one.
    Tls,
    /// The provider gave the request back unprocessed: HTTP/2's REFUSED_STREAM, or a GOAWAY that leaves it out.
    GivenBack,
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

    /// Whether it is certain that the provider has not begun to process the request.
    ///
    /// A connection that breaks before the head proves nothing: the provider may be generating, and charging, already.
    #[must_use]
    pub const fn safe_to_retry(&self) -> bool {
        matches!(self.failure, Failure::Dns | Failure::Connect | Failure::Tls | Failure::GivenBack)
    }

    /// What the user can do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self.failure {
            Failure::Dns => "check the network connection and the account's base URL",
            Failure::Connect => "check the network connection, the firewall and the proxy settings",
            Failure::Tls => "check the clock, the installed root certificates and whether something on the way intercepts TLS",
            Failure::GivenBack => "the provider closes this connection or takes no more on it; send the request again",
            Failure::BeforeHead => "the request may have been processed; it was not repeated, send it again if that does no harm",
            Failure::HeadTimeout(_) => "the provider may be overloaded; try again later, or stream the answer",
            Failure::IdleTimeout(_) | Failure::MidBody => "what arrived is incomplete; send the request again",
        }
    }
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = &self.host;
        match self.failure {
            Failure::Dns => write!(f, "no address found for {host}")?,
            Failure::Connect => write!(f, "no connection to {host}")?,
            Failure::Tls => write!(f, "no trusted connection to {host}")?,
            Failure::GivenBack => write!(f, "{host} gave the request back unprocessed")?,
            Failure::BeforeHead => write!(f, "{host} closed the connection before it answered")?,
            Failure::HeadTimeout(limit) => write!(f, "{host} did not begin to answer within {} s", limit.as_secs())?,
            Failure::IdleTimeout(limit) => write!(f, "{host} fell silent for {} s in the middle of its answer", limit.as_secs())?,
            Failure::MidBody => write!(f, "{host} broke off in the middle of its answer")?,
        }
        if let Some(cause) = &self.cause {
            write!(f, " ({cause})")?;
        }
        write!(f, "; {}", self.hint())
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
    fn only_failures_before_sending_are_safe_to_repeat() {
        let second = Duration::from_secs(1);
        for (failure, safe) in [
            (Failure::Dns, true),
            (Failure::Connect, true),
            (Failure::Tls, true),
            (Failure::GivenBack, true),
            (Failure::BeforeHead, false),
            (Failure::HeadTimeout(second), false),
            (Failure::IdleTimeout(second), false),
            (Failure::MidBody, false),
        ] {
            let error = UpstreamError::new(failure, &Uri::from_static("https://api.example.com/v1/models?key=hidden"));
            assert_eq!(error.safe_to_retry(), safe, "{failure:?}");
            assert!(error.to_string().contains("api.example.com"), "{error}");
            assert!(!error.to_string().contains("hidden"), "{error}");
        }
    }
}
