//! Looks up names, and drops the addresses to which they may not lead.

use std::error::Error;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use super::address::may_lead_to;

type AnyError = Box<dyn Error + Send + Sync>;

/// A resolver whose answers were checked.
#[derive(Debug, Clone)]
pub(super) struct Checked<R>(pub(super) R);

impl<R> Service<Name> for Checked<R>
where
    R: Service<Name, Response: Iterator<Item = SocketAddr>, Error: Into<AnyError>, Future: Send + 'static>,
{
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = AnyError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, AnyError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), AnyError>> {
        self.0.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let host = name.as_str().to_owned();
        let looked_up = self.0.call(name);
        Box::pin(async move {
            let (may, may_not): (Vec<_>, Vec<_>) = looked_up.await.map_err(Into::into)?.partition(|at| may_lead_to(&host, at.ip()));
            match may_not.first() {
                Some(at) if may.is_empty() => Err(format!(
                    "the name leads to {}, which is not in the public internet; if that is meant, write the address in the base URL",
                    at.ip()
                )
                .into()),
                _ => Ok(may.into_iter()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Ready, ready};
    use std::io;
    use std::str::FromStr;

    use http::Uri;
    use hyper_util::client::legacy::connect::HttpConnector;
    use tokio::net::TcpListener;

    use super::*;

    /// Somebody who answers every question about names with these addresses.
    #[derive(Clone)]
    struct Liar(Vec<SocketAddr>);

    impl Service<Name> for Liar {
        type Response = std::vec::IntoIter<SocketAddr>;
        type Error = io::Error;
        type Future = Ready<Result<Self::Response, io::Error>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Name) -> Self::Future {
            ready(Ok(self.0.clone().into_iter()))
        }
    }

    #[tokio::test]
    async fn a_name_that_was_rebound_to_this_machine_gets_no_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        for (host, connects) in [("api.example.com", false), ("localhost", true)] {
            let mut connector = HttpConnector::new_with_resolver(Checked(Liar(vec![at])));
            connector.enforce_http(false);
            let connected = connector.call(format!("https://{host}:{}", at.port()).parse::<Uri>().unwrap()).await;
            assert_eq!(connected.is_ok(), connects, "{host}");
            let why = connected.err().map(|error| super::super::error::root_cause(&error));
            assert!(why.is_none_or(|why| why.contains("the name leads to 127.0.0.1")), "{host}");
        }
    }

    #[tokio::test]
    async fn what_may_be_used_of_a_mixed_answer_is_used() {
        let mixed = ["10.0.0.1:0", "160.79.104.10:0"].map(|at| at.parse().unwrap()).to_vec();
        let found = Checked(Liar(mixed)).call(Name::from_str("api.example.com").unwrap()).await.unwrap();
        assert_eq!(found.map(|at| at.to_string()).collect::<Vec<_>>(), ["160.79.104.10:0"]);
    }
}
