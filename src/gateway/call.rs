//! A request of somebody who may come in: who, for which account, with which wishes; and what leaves when its body is there.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRAILER};
use http::request::Parts as Head;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use jiff::Timestamp;
use serde_json::Map;

use super::alias;
use super::headers::strip_request;
use super::routes::{Endpoint, Refuge, Routes, Turned, Visitor};
use super::socket;
use super::target::ProviderTarget;
use super::wishes::Wishes;
use crate::domain::{Api, ClientName, LocalReason, LocalRefusal, ModelId, Provider, RequestFacts};
use crate::provider::wire::path_of;
use crate::provider::{
    LocalAnswer, authorize, bad_request, forbidden, http_required, local_refusal, not_found, presented, request_facts, socket_facts,
    unauthorized, without_credentials,
};
use crate::upstream::UpstreamRequest;

/// A request before its body.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) provider: Provider,
    pub(super) endpoint: Arc<Endpoint>,
    /// Other accounts that could serve it.
    pub(super) others: Vec<Arc<Endpoint>>,
    /// Whether fallback routes are open to it.
    pub(super) roams: bool,
    pub(super) client: ClientName,
    pub(super) wishes: Wishes,
    method: Method,
    /// End-to-end headers without a credential.
    headers: HeaderMap,
    /// The same, after the body.
    trailers: HeaderMap,
    /// Whether it asks for a WebSocket.
    socket: bool,
    /// The provider's path and query, without a credential.
    path: String,
}

/// A request with its body, ready to leave.
pub(super) struct Outgoing {
    pub(super) request: UpstreamRequest,
    /// What can be told of it as it leaves.
    pub(super) facts: RequestFacts,
    /// The model that the client named.
    pub(super) asked: Option<ModelId>,
    /// `from->to`, if the model was rewritten.
    pub(super) alias: Option<String>,
}

impl Call {
    /// Lets a request in, or turns it away in the provider's own shape.
    pub(super) fn let_in(routes: &Routes, target: ProviderTarget, head: Head, socket: bool) -> Result<Self, LocalAnswer> {
        let ProviderTarget { provider, label, mut path, query } = target;
        let Head { method, mut headers, .. } = head;
        let wishes = Wishes::read(&headers);
        let wanted = label.as_deref().or(wishes.as_ref().ok().and_then(|w| w.account.as_deref()));
        let known = routes.identify(provider, wanted, &presented(&headers, query.as_deref()));
        let query = without_credentials(&mut headers, query);
        if let Some(query) = query {
            path.extend(["?", &query]);
        }
        let Visitor { endpoint, others, roams, client } = known.map_err(|turned| {
            let dialect = routes.dialect(provider, label.as_deref());
            let api = request_facts(dialect, &method, &path, &headers, b"").api;
            let answer = match turned {
                Turned::KeysUnread => return local_refusal(dialect, api, &LocalRefusal::keys_unread()),
                Turned::NoCredential | Turned::WrongCredential => unauthorized,
                Turned::NoAccount(_) => not_found,
                Turned::NotThatAccount(_) => forbidden,
            };
            answer(dialect, api, &turned.to_string())
        })?;
        strip_request(&mut headers);
        let dialect = endpoint.dialect;
        // each message through such a socket would be a request that nobody admitted
        if socket && request_facts(dialect, &Method::POST, &path, &headers, b"").api == Api::Responses {
            let why = "responses are let in one by one: ask for each with a POST, not through a WebSocket";
            return Err(http_required(dialect, Api::Responses, why));
        }
        if socket {
            socket::mark(&mut headers);
        }
        let (wishes, misunderstood) = match wishes {
            Ok(wishes) => (wishes, None),
            Err(why) => (Wishes::default(), Some(why)),
        };
        let client = wishes.client.clone().unwrap_or(client);
        // a WebSocket stays where it begins
        let roams = roams && wishes.account.is_none() && !socket;
        let trailers = HeaderMap::new();
        let call = Self { provider, endpoint, others, roams, client, wishes, method, headers, trailers, socket, path };
        match misunderstood {
            None => Ok(call),
            Some(why) => Err(bad_request(call.endpoint.dialect, call.api(), &why)),
        }
    }

    /// Which API it calls, as far as the path tells.
    pub(super) fn api(&self) -> Api {
        self.facts(b"").api
    }

    /// What can be told of it with this body.
    pub(super) fn facts(&self, body: &[u8]) -> RequestFacts {
        if self.socket {
            return socket_facts(&self.path);
        }
        request_facts(self.endpoint.dialect, &self.method, &self.path, &self.headers, body)
    }

    /// The same for another account and model, which speaks the same wire format at another place; `None` if it does not.
    pub(super) fn sheltered(&self, refuge: &Refuge, body: &[u8]) -> Option<(Self, Bytes)> {
        let Endpoint { account, dialect, .. } = &*refuge.endpoint;
        let place = path_of(*dialect, account.base_url.url().path(), self.api())?;
        let query = self.path.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
        let body: Bytes = alias::rewritten(body, &refuge.model, &Map::new())?.into();
        let mut call = self.clone();
        if let Some(length) = call.headers.get_mut(CONTENT_LENGTH) {
            *length = body.len().into();
        }
        call.endpoint = Arc::clone(&refuge.endpoint);
        call.path = format!("{place}{query}");
        Some((call, body))
    }

    /// What follows the body, without a credential.
    pub(super) fn with_trailers(&mut self, mut trailers: HeaderMap) {
        let _ = without_credentials(&mut trailers, None);
        strip_request(&mut trailers);
        if !trailers.is_empty() && !self.headers.contains_key(TRAILER) {
            let names = trailers.keys().map(HeaderName::as_str).collect::<Vec<_>>().join(", ");
            self.headers.extend(HeaderValue::try_from(names).ok().map(|names| (TRAILER, names)));
        }
        self.trailers = trailers;
    }

    /// What leaves for the provider, and what can be told of it.
    pub(super) fn with_body(mut self, mut body: Bytes, now: Timestamp) -> Result<Outgoing, LocalAnswer> {
        let endpoint = self.endpoint.clone();
        let Endpoint { account, dialect, key, awaits_key, aliases } = &*endpoint;
        let mut facts = self.facts(&body);
        let asked = facts.model.clone();
        let alias = asked.as_ref().and_then(|model| aliases.iter().find(|alias| alias.holds(model, now)));
        let applied = alias.and_then(|alias| Some((alias, alias::applied(alias, &self.path, &body)?)));
        let alias = applied.map(|(alias, (path, bytes))| {
            self.path = path;
            body = bytes.into();
            if let Some(length) = self.headers.get_mut(CONTENT_LENGTH) {
                *length = body.len().into();
            }
            facts = self.facts(&body);
            format!("{}->{}", alias.from, alias.to)
        });
        let Some(key) = key else {
            let refusal = if *awaits_key { LocalRefusal::keys_unread() } else { key_missing(&account.label) };
            return Err(local_refusal(*dialect, facts.api, &refusal));
        };
        // joined as text, so that no byte of either changes
        let url = Uri::try_from([account.base_url.as_str(), &self.path].concat())
            .map_err(|_| bad_request(*dialect, facts.api, "the account's base URL and this path do not make a URL together"))?;
        authorize(*dialect, &self.path, &mut self.headers, key);
        let request = UpstreamRequest { method: self.method, url, headers: self.headers, body, trailers: self.trailers };
        Ok(Outgoing { request, facts, asked, alias })
    }
}

fn key_missing(label: &str) -> LocalRefusal {
    LocalRefusal {
        reason: LocalReason::AccountStopped,
        bucket: None,
        retry_after: None,
        ready_at: None,
        message: format!(
            "the key of account {label:?} could not be read; unlock the keyring, or set the variable it is kept in, and start again"
        ),
    }
}
