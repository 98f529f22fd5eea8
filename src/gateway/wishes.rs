//! What a client may ask of the gateway itself, in `x-tierline-*` request headers.

use std::time::Duration;

use http::{HeaderMap, HeaderName};

use crate::domain::{ClientName, Lane};

/// The wishes of one request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wishes {
    /// `x-tierline-deadline-ms`: the longest it may wait for room.
    pub(super) patience: Option<Duration>,
    /// `x-tierline-priority`: `interactive` or `batch`.
    pub(super) lane: Lane,
    /// `x-tierline-client`: a name for the program, finer than its token's.
    pub(super) client: Option<ClientName>,
    /// `x-tierline-account`: which account should serve it.
    pub(super) account: Option<String>,
}

const DEADLINE: HeaderName = HeaderName::from_static("x-tierline-deadline-ms");
const PRIORITY: HeaderName = HeaderName::from_static("x-tierline-priority");
const CLIENT: HeaderName = HeaderName::from_static("x-tierline-client");
const ACCOUNT: HeaderName = HeaderName::from_static("x-tierline-account");

/// The longest name of a client that is shown.
const MAX_NAME: usize = 64;

impl Wishes {
    /// Reads them; what cannot be understood is an error, because a wish that is silently ignored surprises.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, String> {
        let get = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default().trim());
        let patience = match get(DEADLINE).map(str::parse) {
            None => None,
            Some(Ok(millis)) => Some(Duration::from_millis(millis)),
            Some(Err(_)) => return Err("x-tierline-deadline-ms is not a whole number of milliseconds".into()),
        };
        let lane = match get(PRIORITY) {
            None | Some("interactive") => Lane::Interactive,
            Some("batch") => Lane::Batch,
            Some(_) => return Err("x-tierline-priority is neither interactive nor batch".into()),
        };
        let printable = |name: &&str| !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
        let client = match get(CLIENT) {
            None => None,
            Some(name) if printable(&name) => Some(ClientName::new(name)),
            Some(_) => return Err("x-tierline-client is not a name of 1 to 64 printable ASCII characters".into()),
        };
        Ok(Self { patience, lane, client, account: get(ACCOUNT).map(str::to_owned) })
    }
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
                account: None
            })
        );
        for wrong in [
            ("x-tierline-deadline-ms", "soon"),
            ("x-tierline-deadline-ms", "-1"),
            ("x-tierline-priority", "now"),
            ("x-tierline-client", ""),
        ] {
            assert!(read(&[wrong]).is_err(), "{wrong:?}");
        }
    }
}
