//! A connector that gives up when a connection, its TLS handshake included, takes too long.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use tokio::time::timeout;
use tower_service::Service;

/// What the error says.
pub(super) const TOO_LONG: &str = "it took too long to connect";

type AnyError = Box<dyn Error + Send + Sync>;

/// A connector with a limit on its time. The inner one's own limit covers only the dialling of each address.
#[derive(Debug, Clone)]
pub(super) struct DialLimited<C> {
    inner: C,
    limit: Duration,
}

impl<C> DialLimited<C> {
    pub(super) const fn new(inner: C, limit: Duration) -> Self {
        Self { inner, limit }
    }
}

impl<C> Service<Uri> for DialLimited<C>
where
    C: Service<Uri, Error: Into<AnyError>, Future: Send + 'static>,
{
    type Response = C::Response;
    type Error = AnyError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, AnyError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), AnyError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let dialled = timeout(self.limit, self.inner.call(url));
        Box::pin(async move { dialled.await.map_err(|_| TOO_LONG)?.map_err(Into::into) })
    }
}
