//! What a client may ask of the gateway itself, in `x-tierline-*` request headers.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};

use crate::domain::{ClientName, Lane};

/// The wishes of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wishes {
    /// `x-tierline-deadline-ms`: the longest it may wait for room.
    pub(super) patience: Option<Duration>,
    /// `x-tierline-priority`: `interactive` or `batch`.
    pub(super) lane: Lane,
    /// `x-tierline-client`: a name for the program, finer than its token's.
    pub(super) client: Option<ClientName>,
    /// `x-tierline-account`: which account should serve it.
    pub(super) account: Option<String>,
    /// `x-tierline-keep-alive: off`: no comments while a stream waits.
    pub(super) no_comments: bool,
    /// When the client's SDK gives up on an answer that does not come, as it says itself.
    pub(super) sdk_timeout: Option<Duration>,
}

/// The headers that say them, as they came.
#[derive(Debug, Default)]
struct Said<'r> {
    deadline: Option<&'r HeaderValue>,
    priority: Option<&'r HeaderValue>,
    client: Option<&'r HeaderValue>,
    account: Option<&'r HeaderValue>,
    keep_alive: Option<&'r HeaderValue>,
    read_timeout: Option<&'r HeaderValue>,
    timeout: Option<&'r HeaderValue>,
}

/// The longest name of a client that is shown.
const MAX_NAME: usize = 64;

impl Wishes {
    /// Reads them; what cannot be understood is an error, because a wish that is silently ignored surprises.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, String> {
        let said = Said::in_headers(headers);
        let patience = match said.deadline.map(text).map(str::parse) {
            None => None,
            Some(Ok(millis)) => Some(Duration::from_millis(millis)),
            Some(Err(_)) => return Err("x-tierline-deadline-ms is not a whole number of milliseconds".into()),
        };
        let lane = match said.priority.map(text) {
            None | Some("interactive") => Lane::Interactive,
            Some("batch") => Lane::Batch,
            Some(_) => return Err("x-tierline-priority is neither interactive nor batch".into()),
        };
        let printable = |name: &&str| !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
        let client = match said.client.map(text) {
            None => None,
            Some(name) if printable(&name) => Some(ClientName::new(name)),
            Some(_) => return Err("x-tierline-client is not a name of 1 to 64 printable ASCII characters".into()),
        };
        let no_comments = match said.keep_alive.map(text) {
            None | Some("on") => false,
            Some("off") => true,
            Some(_) => return Err("x-tierline-keep-alive is neither on nor off".into()),
        };
        let account = said.account.map(text).map(str::to_owned);
        Ok(Self { patience, lane, client, account, no_comments, sdk_timeout: sdk_timeout(&said) })
    }

    /// The longest it may wait for room. A client that hears nothing in the meantime gives up when its SDK does, and then
    /// the answer must have come too.
    pub(super) fn patience(&self, hears_comments: bool) -> Option<Duration> {
        let silent = self.sdk_timeout.filter(|_| !hears_comments).map(|timeout| timeout.saturating_sub(for_the_answer(timeout)));
        self.patience.into_iter().chain(silent).min()
    }
}

impl<'r> Said<'r> {
    /// Takes the first of each. Most requests have few headers and none of these, so each is looked at once.
    fn in_headers(headers: &'r HeaderMap) -> Self {
        let mut said = Self::default();
        for (name, value) in headers {
            let place = match name.as_str() {
                "x-tierline-deadline-ms" => &mut said.deadline,
                "x-tierline-priority" => &mut said.priority,
                "x-tierline-client" => &mut said.client,
                "x-tierline-account" => &mut said.account,
                "x-tierline-keep-alive" => &mut said.keep_alive,
                "x-stainless-read-timeout" => &mut said.read_timeout,
                "x-stainless-timeout" => &mut said.timeout,
                _ => continue,
            };
            place.get_or_insert(value);
        }
        said
    }
}

fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default().trim()
}

/// The time that the official SDKs of Anthropic and OpenAI allow for a silence, in seconds: `x-stainless-read-timeout`
/// (Python, with decimals) and `x-stainless-timeout` (TypeScript). Not ours to find fault with: what cannot be read is no limit.
fn sdk_timeout(said: &Said<'_>) -> Option<Duration> {
    let secs = |value: Option<&HeaderValue>| text(value?).parse::<f64>().ok();
    let secs = secs(said.read_timeout).or_else(|| secs(said.timeout))?;
    Duration::try_from_secs_f64(secs).ok().filter(|timeout| !timeout.is_zero())
}

/// What of a timeout is left to the provider: a tenth, but half a minute if that is no more than half of it.
fn for_the_answer(timeout: Duration) -> Duration {
    (timeout / 10).max(Duration::from_secs(30).min(timeout / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_read_or_refused() {
        let read =
            |pairs: &[(&'static str, &str)]| Wishes::read(&pairs.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect());
        assert_eq!(read(&[]), Ok(Wishes::default()));
        assert_eq!(
            read(&[("x-tierline-deadline-ms", "1500"), ("x-tierline-priority", "batch"), ("x-tierline-client", "nightly job")]),
            Ok(Wishes {
                patience: Some(Duration::from_millis(1500)),
                lane: Lane::Batch,
                client: Some(ClientName::new("nightly job")),
                ..Wishes::default()
            })
        );
        for wrong in [
            ("x-tierline-deadline-ms", "soon"),
            ("x-tierline-deadline-ms", "-1"),
            ("x-tierline-priority", "now"),
            ("x-tierline-client", ""),
            ("x-tierline-keep-alive", "no"),
        ] {
            assert!(read(&[wrong]).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_silent_client_waits_no_longer_than_its_sdk() {
        for (pairs, silent_millis, hearing_millis) in [
            (&[][..], None, None),
            (&[("x-stainless-read-timeout", "600.0")], Some(540_000), None),
            (&[("x-stainless-timeout", "600")], Some(540_000), None),
            (&[("x-stainless-timeout", "60")], Some(30_000), None),
            (&[("x-stainless-timeout", "1.5")], Some(750), None),
            (&[("x-stainless-timeout", "60"), ("x-tierline-deadline-ms", "100")], Some(100), Some(100)),
            (&[("x-stainless-timeout", "60"), ("x-tierline-deadline-ms", "100000")], Some(30_000), Some(100_000)),
            (&[("x-stainless-timeout", "0")], None, None),
            (&[("x-stainless-timeout", "-1")], None, None),
            (&[("x-stainless-timeout", "NaN")], None, None),
            (&[("x-stainless-read-timeout", "None")], None, None),
        ] {
            let wishes = Wishes::read(&pairs.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect()).unwrap();
            let millis = |hears| wishes.patience(hears).map(|patience| patience.as_millis());
            assert_eq!((millis(false), millis(true)), (silent_millis, hearing_millis), "{pairs:?}");
        }
    }
}
