//! A credential the user stored: what the database may know of it, which is everything but the key.

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Dialect, Fingerprint, Problem, Provider};

/// The row of an account in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub i64);

/// One credential: where it goes, what it is called, and where the key can be found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The row.
    pub id: AccountId,
    /// Which route of the gateway it serves.
    pub provider: Provider,
    /// The user's name for it, unique.
    pub label: String,
    /// Where its requests go. Nothing in a request can change this.
    pub base_url: BaseUrl,
    /// A short name for the key.
    pub fingerprint: Fingerprint,
    /// Where the key is.
    pub key: KeyRef,
    /// When it was added.
    pub created_at: Timestamp,
}

impl Account {
    /// How this endpoint writes headers, refusals and usage.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        Dialect::of(self.provider, self.base_url.url().host_str().unwrap_or_default())
    }

    /// Where its key is.
    ///
    /// # Errors
    /// The key was stored for another base URL, and goes nowhere else.
    pub fn key_place(&self) -> Result<&KeyRef, Problem> {
        match &self.key {
            KeyRef::Keyring { entry } | KeyRef::Memory { entry } if !self.base_url.may_have(entry) => {
                Err(Problem::new(format!("the key of account {} was stored for another base URL than {}", self.label, self.base_url))
                    .hint("give its key again, with `tierline accounts set-url`"))
            }
            place => Ok(place),
        }
    }
}

/// Where a key is kept. Never the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "in", rename_all = "snake_case")]
pub enum KeyRef {
    /// In the operating system's keyring, under this entry name.
    Keyring {
        /// The entry name.
        entry: String,
    },
    /// In an environment variable of the process that serves.
    Env {
        /// The variable.
        variable: String,
    },
    /// Only in this process.
    Memory {
        /// The name in the in-memory vault.
        entry: String,
    },
}

/// Why a base URL was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadBaseUrl {
    /// Not a URL.
    #[error("the base URL {0:?} is not a URL; write it like https://api.example.com/v1")]
    Unreadable(String),
    /// Plain http to another machine would show the key to the network.
    #[error(
        "the base URL {0:?} is not https; a key may only leave this machine encrypted (http is allowed for 127.0.0.1, ::1 and localhost)"
    )]
    NotHttps(String),
    /// A key in a URL ends up in logs.
    #[error("the base URL must not contain a user name, password, query or fragment; give the key with --key-stdin or --key-env")]
    CarriesMore,
}

/// An https URL, or an http URL on loopback, without credentials, query or trailing slash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Reads and checks a base URL.
    ///
    /// # Errors
    /// [`BadBaseUrl`] says which rule it breaks.
    ///
    /// ```
    /// use tierline::domain::BaseUrl;
    /// assert!(BaseUrl::parse("https://openrouter.ai/api").is_ok());
    /// assert!(BaseUrl::parse("http://127.0.0.1:8080").is_ok());
    /// assert!(BaseUrl::parse("http://api.example.com").is_err());
    /// assert!(BaseUrl::parse("https://user:pw@example.com").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, BadBaseUrl> {
        let text = text.trim();
        // a rejected URL may hold a password: only what comes before any '@' or '?' is quoted back
        let quotable = || if text.contains('@') || text.contains('?') { "…".to_owned() } else { text.to_owned() };
        let mut url = Url::parse(text).map_err(|_| BadBaseUrl::Unreadable(quotable()))?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(BadBaseUrl::CarriesMore);
        }
        let loopback = match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
            Some(url::Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
            None => return Err(BadBaseUrl::Unreadable(quotable())),
        };
        match url.scheme() {
            "https" => {}
            "http" if loopback => {}
            "http" => return Err(BadBaseUrl::NotHttps(quotable())),
            _ => return Err(BadBaseUrl::Unreadable(quotable())),
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }

    /// The URL.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.0
    }

    /// The name of a vault's entry for a key that may go to this scheme, host and port only.
    #[must_use]
    pub fn bound_entry(&self, name: &str) -> String {
        format!("{name}@{}", self.0.origin().ascii_serialization())
    }

    /// Whether a key under this entry may go here. Names without an origin are bound to none.
    fn may_have(&self, entry: &str) -> bool {
        entry.split_once('@').is_none_or(|(_, origin)| origin == self.0.origin().ascii_serialization())
    }

    /// The text without a trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for BaseUrl {
    type Error = BadBaseUrl;
    fn try_from(text: String) -> Result<Self, BadBaseUrl> {
        Self::parse(&text)
    }
}

impl From<BaseUrl> for String {
    fn from(url: BaseUrl) -> Self {
        url.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_only_to_the_scheme_host_and_port_that_it_was_stored_for() {
        let stored_for = BaseUrl::parse("https://api.example.com/v1").unwrap();
        let entry = stored_for.bound_entry("custom/work");
        for (base_url, may) in [
            ("https://api.example.com/v2", true),
            ("https://API.example.com:443", true),
            ("https://api.example.com:444/v1", false),
            ("https://api.example.com.evil.test/v1", false),
            ("http://localhost/v1", false),
        ] {
            let account = Account {
                id: AccountId(1),
                provider: Provider::Custom,
                label: "work".into(),
                base_url: BaseUrl::parse(base_url).unwrap(),
                fingerprint: Fingerprint::from_stored("0"),
                key: KeyRef::Keyring { entry: entry.clone() },
                created_at: Timestamp::UNIX_EPOCH,
            };
            assert_eq!(account.key_place().is_ok(), may, "{base_url}");
        }
    }
}
