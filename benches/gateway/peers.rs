//! Who stands between the load and the provider, each on a runtime of its own.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use jiff::Timestamp;
use tierline::clock::SystemClock;
use tierline::domain::{
    Account, AccountId, BaseUrl, ClientName, Clock, Dimension, KeyRef, Limit, LimitSource, ModelClass, Provider, Secret, Window,
};
use tierline::gateway::{ClientToken, Endpoint, Gateway, Parts, Patience, Routes};
use tierline::journal::Sink;
use tierline::limiter::{AccountSetup, Core, Limiter, Settings};
use tierline::upstream::{HttpUpstream, Timing};
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::provider::serve_with;

/// What lets the load in at the gateway.
pub(crate) const TOKEN: &str = "tl-benchmark";
const RECORDED_EVERY: Duration = Duration::from_millis(25);

/// One of those that are compared.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) addr: SocketAddr,
    /// What stands before the provider's path.
    pub(crate) prefix: &'static str,
}

impl Peer {
    pub(crate) const fn new(name: &'static str, addr: SocketAddr, prefix: &'static str) -> Self {
        Self { name, addr, prefix }
    }
}

/// Runs a server on a thread and a runtime of its own.
pub(crate) fn on_its_own<F: Future<Output = ()> + Send + 'static>(
    name: &str,
    server: impl FnOnce(TcpListener) -> F + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let addr = listener.local_addr().unwrap();
    let threads = name.to_owned();
    let work =
        move || Builder::new_multi_thread().worker_threads(2).thread_name(threads).enable_all().build().unwrap().block_on(server(listener));
    std::thread::Builder::new().name(name.into()).spawn(work).unwrap();
    addr
}

/// The least that a proxy made of hyper does.
pub(crate) async fn bare_proxy(listener: TcpListener, provider: SocketAddr) {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Incoming> = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
    serve_with(listener, move |mut request: Request<Incoming>| {
        let path = request.uri().path_and_query().unwrap();
        *request.uri_mut() = format!("http://{provider}{path}").parse().unwrap();
        request.headers_mut().remove("host");
        let sent = client.request(request);
        async move { sent.await.unwrap() }
    })
    .await;
}

/// Tierline's gateway with its real limiter. Its recorder takes events in batches and forgets them.
pub(crate) async fn gateway(listener: TcpListener, provider: SocketAddr) {
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let (sink, mut events) = Sink::new();
    tokio::spawn(async move {
        let mut batch = Vec::new();
        while events.recv_many(&mut batch, Sink::CAPACITY).await > 0 {
            batch.clear();
            sleep(RECORDED_EVERY).await;
        }
    });
    let key = Secret::from_pasted("sk-benchmark").unwrap();
    let account = Account {
        id: AccountId(1),
        provider: Provider::OpenAi,
        label: "main".into(),
        base_url: BaseUrl::parse(&format!("http://{provider}")).unwrap(),
        fingerprint: key.fingerprint(),
        key: KeyRef::Memory { entry: "main".into() },
        created_at: Timestamp::UNIX_EPOCH,
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    // room enough never to wait, so that every bucket is asked and none decides
    let roomy = |dimension| Limit { dimension, window: Window::PER_MINUTE, capacity: 1_000_000_000_000, source: LimitSource::User };
    let assumptions = move |_, _: &ModelClass| [Dimension::Requests, Dimension::InputTokens, Dimension::OutputTokens].map(roomy).to_vec();
    let mut core = Core::new(Settings::default(), Arc::new(assumptions));
    let setup =
        AccountSetup { id: account.id, provider: account.provider, dialect: account.dialect(), label: account.label.clone(), scope: None };
    core.set_account(setup);
    let limiter = Limiter::new(core, clock.clone(), |_| ());
    let timer = limiter.clone();
    tokio::spawn(async move { timer.run().await });
    let token = ClientToken::new(ClientName::new("load"), &Secret::from_pasted(TOKEN).unwrap(), None);
    let (_keep, routes) = watch::channel(Arc::new(Routes::new(vec![Endpoint::new(account, Some(key))], vec![token])));
    let parts = Parts {
        upstream: Arc::new(HttpUpstream::new(Timing::default())),
        admission: Arc::new(limiter),
        sink,
        clock,
        routes,
        next_id: Arc::new(AtomicU64::new(1)),
        class_of: Box::new(|_, model| ModelClass::new(model.as_str())),
        cost_nanos: Box::new(|_, _, usage| Some(usage.output)),
        metrics: Box::new(String::new),
        patience: Patience::default(),
    };
    Gateway::bind(parts, addr).await.unwrap().serve(std::future::pending()).await;
}
