//! Which page of ours or which provider a request's target means. The rest of the target is never decoded or rebuilt.

use std::borrow::Cow;

use http::Uri;

use crate::domain::Provider;

/// Where a request wants to go.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// `/`
    Front,
    /// `/healthz`
    Health,
    /// `/metrics`
    Metrics,
    /// A provider's route.
    Provider(ProviderTarget),
    /// A path that could climb out of the account's base URL.
    Climbing,
    /// Nothing of ours.
    Unknown,
}

/// A provider's route, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ProviderTarget {
    pub(super) provider: Provider,
    /// The label in a custom route.
    pub(super) label: Option<String>,
    /// The provider's own path as it came: empty, or with its leading slash.
    pub(super) path: String,
    /// The query as it came.
    pub(super) query: Option<String>,
}

impl Target {
    pub(super) fn of(uri: &Uri) -> Self {
        let path = uri.path();
        match path {
            "/" => return Self::Front,
            "/healthz" => return Self::Health,
            "/metrics" => return Self::Metrics,
            _ => {}
        }
        let (first, mut rest) = split(path);
        let Some(provider) = Provider::from_name(first) else { return Self::Unknown };
        let mut label = None;
        if provider == Provider::Custom {
            let (segment, after) = split(rest);
            let Some(decoded) = percent_decoded(segment).filter(|l| !l.is_empty()) else { return Self::Unknown };
            label = Some(decoded);
            rest = after;
        }
        if climbs(rest) {
            return Self::Climbing;
        }
        Self::Provider(ProviderTarget { provider, label, path: rest.to_owned(), query: uri.query().map(str::to_owned) })
    }
}

/// `/first/rest` as `first` and `/rest`.
fn split(path: &str) -> (&str, &str) {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split_at(path.find('/').unwrap_or(path.len()))
}

/// Whether a segment is `.` or `..`, however it is written.
fn climbs(path: &str) -> bool {
    path.split(['/', '\\']).any(|segment| {
        let plain =
            if segment.contains('%') { Cow::Owned(segment.to_ascii_lowercase().replace("%2e", ".")) } else { Cow::Borrowed(segment) };
        matches!(plain.as_ref(), "." | "..")
    })
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let decoded = match byte {
            b'%' => {
                let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
                let value = digit(rest.next())? * 16 + digit(rest.next())?;
                u8::try_from(value).ok()?
            }
            other => other,
        };
        bytes.push(decoded);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(provider: Provider, label: Option<&str>, path: &str, query: Option<&str>) -> Target {
        Target::Provider(ProviderTarget { provider, label: label.map(Into::into), path: path.into(), query: query.map(Into::into) })
    }

    #[test]
    fn a_route_is_cut_off_and_the_rest_kept_as_it_is() {
        for (target, expect) in [
            ("/", Target::Front),
            ("/healthz", Target::Health),
            ("/metrics", Target::Metrics),
            ("/metrics/", Target::Unknown),
            ("/Anthropic/v1", Target::Unknown),
            ("//anthropic/v1", Target::Unknown),
            ("/anthropic", provider(Provider::Anthropic, None, "", None)),
            ("/anthropic/", provider(Provider::Anthropic, None, "/", None)),
            ("/anthropic/v1/messages?beta=true", provider(Provider::Anthropic, None, "/v1/messages", Some("beta=true"))),
            ("/openai/v1//x%2Fy%7e/?a=%20+'&&b", provider(Provider::OpenAi, None, "/v1//x%2Fy%7e/", Some("a=%20+'&&b"))),
            ("/gemini/v1beta/models/m:generateContent?", provider(Provider::Gemini, None, "/v1beta/models/m:generateContent", Some(""))),
            ("/custom/my%20box/v1/x", provider(Provider::Custom, Some("my box"), "/v1/x", None)),
            ("/custom/box", provider(Provider::Custom, Some("box"), "", None)),
            ("/custom", Target::Unknown),
            ("/custom//v1", Target::Unknown),
            ("/custom/%zz/v1", Target::Unknown),
            ("/openai/../secret", Target::Climbing),
            ("/openai/v1/%2E%2e/x", Target::Climbing),
            ("/openai/v1/.%2e", Target::Climbing),
            ("/openai/./x", Target::Climbing),
            ("/openai/v1/..x/...", provider(Provider::OpenAi, None, "/v1/..x/...", None)),
        ] {
            assert_eq!(Target::of(&target.parse().unwrap()), expect, "{target}");
        }
    }
}
