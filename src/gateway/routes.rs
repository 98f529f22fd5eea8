//! Who may come in, and by which account they leave: a value that is replaced as a whole, so that no request asks a database.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::domain::{Account, Alias, ClientName, Dialect, LocalRefusal, Provider, Secret};
use crate::provider::Presented;

/// All accounts and local tokens.
#[derive(Debug, Clone, Default)]
pub struct Routes {
    endpoints: Vec<Arc<Endpoint>>,
    tokens: Vec<ClientToken>,
}

/// One account, ready to be used.
#[derive(Debug)]
pub struct Endpoint {
    /// The account.
    pub account: Account,
    /// How it speaks.
    pub dialect: Dialect,
    /// Its key; `None` if the vault did not give it.
    pub key: Option<Secret>,
    /// Whether the vault was not asked yet, or has not answered.
    pub awaits_key: bool,
    /// Model names that are rewritten in its requests.
    pub aliases: Vec<Alias>,
}

/// A local token, by its hash.
#[derive(Debug, Clone)]
pub struct ClientToken {
    /// Which program it was made for.
    pub client: ClientName,
    /// SHA-256 of the token.
    pub sha256: [u8; 32],
    /// The label of the only account it may use, if it is bound to one.
    pub account: Option<String>,
}

/// A caller that proved who it is.
#[derive(Debug)]
pub(super) struct Visitor {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) client: ClientName,
}

/// Why a caller was turned away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turned {
    NoCredential,
    WrongCredential,
    /// It may be a key that is not known yet.
    KeysUnread,
    NoAccount(Provider),
    NotThatAccount(String),
}

impl fmt::Display for Turned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCredential => f.write_str("no key was sent; make a local token with `tierline token new --client NAME` and use it as the API key"),
            Self::WrongCredential => f.write_str(
                "the key is neither a local token nor the stored key of this provider; make a token with `tierline token new --client NAME`",
            ),
            Self::KeysUnread => f.write_str(&LocalRefusal::keys_unread().message),
            Self::NoAccount(provider) => {
                let name = provider.name();
                write!(f, "no account for {name} is stored; add one with `tierline accounts add --provider {name} --label NAME --key-stdin`")
            }
            Self::NotThatAccount(label) => write!(f, "this key may not use an account {label:?} here; see `tierline accounts list`"),
        }
    }
}

impl Endpoint {
    /// An account with its key.
    #[must_use]
    pub fn new(account: Account, key: Option<Secret>) -> Self {
        Self { dialect: account.dialect(), account, key, awaits_key: false, aliases: Vec::new() }
    }

    /// The same, whether or not its key may still come.
    #[must_use]
    pub fn awaiting_key(self, awaits_key: bool) -> Self {
        Self { awaits_key, ..self }
    }

    /// The same with these aliases.
    #[must_use]
    pub fn with_aliases(self, aliases: Vec<Alias>) -> Self {
        Self { aliases, ..self }
    }
}

impl ClientToken {
    /// A token of this client, which is forgotten but for its hash.
    #[must_use]
    pub fn new(client: ClientName, token: &Secret, account: Option<String>) -> Self {
        Self { client, sha256: Sha256::digest(token.expose().as_bytes()).into(), account }
    }
}

impl Routes {
    /// These accounts, the preferred ones first, and these tokens.
    #[must_use]
    pub fn new(endpoints: Vec<Endpoint>, tokens: Vec<ClientToken>) -> Self {
        Self { endpoints: endpoints.into_iter().map(Arc::new).collect(), tokens }
    }

    /// How this provider's errors have to look, as far as it is known before anybody proved anything.
    pub(super) fn dialect(&self, provider: Provider, label: Option<&str>) -> Dialect {
        self.serving(provider, label).next().map_or_else(|| Dialect::of(provider, ""), |e| e.dialect)
    }

    /// Finds out who sent these credentials and which account serves them. `label` is the account that the route or the
    /// caller names. Every token and key is compared, in constant time each, so that time tells nothing.
    pub(super) fn identify(&self, provider: Provider, label: Option<&str>, presented: &[Presented<'_>]) -> Result<Visitor, Turned> {
        if presented.is_empty() {
            return Err(Turned::NoCredential);
        }
        let token = self.token(presented);
        let mut keyed = None;
        for endpoint in self.endpoints.iter().filter(|e| e.account.provider == provider) {
            let matches = |key: &Secret| presented.iter().fold(false, |found, c| found | key.matches(c.as_bytes()));
            if endpoint.key.as_ref().is_some_and(matches) && keyed.is_none() {
                keyed = Some(endpoint);
            }
        }
        match (token, keyed) {
            (Some(token), _) => {
                if let (Some(bound), Some(wanted)) = (&token.account, label)
                    && bound != wanted
                {
                    return Err(Turned::NotThatAccount(wanted.to_owned()));
                }
                let endpoint = self.choose(provider, label.or(token.account.as_deref()))?;
                Ok(Visitor { endpoint, client: token.client.clone() })
            }
            // a provider's key is good for its own account only
            (None, Some(endpoint)) => match label {
                Some(wanted) if wanted != endpoint.account.label => Err(Turned::NotThatAccount(wanted.to_owned())),
                _ => Ok(Visitor { endpoint: endpoint.clone(), client: ClientName::new(&endpoint.account.label) }),
            },
            (None, None) if self.serving(provider, None).any(|endpoint| endpoint.awaits_key) => Err(Turned::KeysUnread),
            (None, None) => Err(Turned::WrongCredential),
        }
    }

    /// Whether one of these credentials is a local token.
    pub(super) fn knows_token(&self, presented: &[Presented<'_>]) -> bool {
        self.token(presented).is_some()
    }

    fn token(&self, presented: &[Presented<'_>]) -> Option<&ClientToken> {
        let hashes: Vec<[u8; 32]> = presented.iter().map(|c| Sha256::digest(c.as_bytes()).into()).collect();
        let mut token = None;
        for known in &self.tokens {
            if hashes.iter().fold(false, |found, hash| found | bool::from(hash.ct_eq(&known.sha256))) {
                token = Some(known);
            }
        }
        token
    }

    /// Which of several accounts serves a request: the one that is named, else the first. The place for "most slack first".
    fn choose(&self, provider: Provider, label: Option<&str>) -> Result<Arc<Endpoint>, Turned> {
        self.serving(provider, label).next().cloned().ok_or_else(|| match label {
            Some(label) => Turned::NotThatAccount(label.to_owned()),
            None => Turned::NoAccount(provider),
        })
    }

    fn serving(&self, provider: Provider, label: Option<&str>) -> impl Iterator<Item = &Arc<Endpoint>> {
        self.endpoints.iter().filter(move |e| e.account.provider == provider && label.is_none_or(|l| l == e.account.label))
    }
}
