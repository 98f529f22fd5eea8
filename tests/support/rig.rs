//! A gateway on a real socket, with a limiter that does what a test says and keeps count of what it handed out.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use tierline::domain::dimension::Meter;
use tierline::domain::{
    Account, AccountId, BaseUrl, ClientName, Clock, Cost, Dimension, Event, KeyRef, LocalReason, LocalRefusal, ModelClass, Now, Outcome,
    Period, Problem, Provider, RequestRecord, Secret, Snapshot, Tick, Usage, Verdict,
};
use tierline::gateway::admission::Wait;
use tierline::gateway::{Admission, ClientToken, Drained, Endpoint, Gateway, Hold, Parts, Patience, Routes};
use tierline::journal::Sink;
use tierline::limiter::{Ask, Limiter};
use tierline::upstream::{HttpUpstream, Timing};
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::scripted::Gate;

/// The local token that tests use.
pub(crate) const TOKEN: &str = "tl-local-token";
/// The provider's key that tests store.
pub(crate) const KEY: &str = "sk-provider-key";

pub(crate) struct Rig {
    pub(crate) addr: SocketAddr,
    pub(crate) books: Arc<Books>,
    pub(crate) routes: watch::Sender<Arc<Routes>>,
    events: Arc<Journal>,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<Drained>,
}

/// What the limiter of a test does.
#[derive(Clone, Default)]
pub(crate) enum Admit {
    #[default]
    AtOnce,
    /// When the gate opens.
    After(Gate),
    Never(LocalRefusal),
}

#[derive(Clone, Default)]
pub(crate) struct Plan {
    pub(crate) admit: Admit,
    /// How often an attempt may be repeated.
    pub(crate) retries: usize,
    pub(crate) timing: Option<Timing>,
    /// Roots that are trusted beside the system's.
    pub(crate) roots: Vec<CertificateDer<'static>>,
    pub(crate) patience: Option<Patience>,
    /// A real limiter in place of the scripted one.
    pub(crate) limiter: Option<Limiter>,
}

/// Reservations handed out and not given back, and how they came back.
#[derive(Default)]
pub(crate) struct Books {
    pub(crate) open: AtomicI64,
    pub(crate) settled: AtomicUsize,
    pub(crate) usages: Mutex<Vec<Usage>>,
    pub(crate) asks: Mutex<Vec<Ask>>,
}

#[derive(Default)]
struct Journal {
    events: Mutex<Vec<Event>>,
    news: Notify,
}

impl Rig {
    /// A gateway with one account of this provider, named `main`, at this address.
    pub(crate) async fn start(provider: Provider, upstream: SocketAddr, plan: Plan) -> Self {
        Self::with(vec![endpoint(1, provider, "main", &format!("http://{upstream}"), Some(KEY))], plan).await
    }

    pub(crate) async fn with(endpoints: Vec<Endpoint>, plan: Plan) -> Self {
        let (sink, mut rx) = Sink::new();
        let events = Arc::new(Journal::default());
        let journal = events.clone();
        tokio::spawn(async move {
            while let Some(event) = rx.recv().await {
                journal.events.lock().unwrap().push(event);
                journal.news.notify_waiters();
            }
        });
        let books = Arc::new(Books::default());
        let (routes, routes_rx) = watch::channel(Arc::new(Routes::new(endpoints, vec![token(None)])));
        let parts = parts(sink, routes_rx, books.clone(), plan);
        let gateway = Gateway::bind(parts, "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let addr = gateway.addr();
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(gateway.serve(async { drop(stopped.await) }));
        Self { addr, books, routes, events, stop: Some(stop), server }
    }

    /// A request with the local token, and whatever else.
    pub(crate) fn request(&self, line: &str, more: &str, body: &str) -> String {
        let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
        format!("{line} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {TOKEN}\r\n{more}{length}\r\n{body}", self.addr)
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.events.lock().unwrap().clone()
    }

    /// Waits until that many requests have ended, and gives their records.
    pub(crate) async fn finished(&self, count: usize) -> Vec<Arc<RequestRecord>> {
        let records = |events: &[Event]| -> Vec<_> {
            events.iter().filter_map(|e| if let Event::Finished(record) = e { Some(record.clone()) } else { None }).collect()
        };
        self.until(|events| records(events).len() >= count).await;
        records(&self.events())
    }

    /// Waits for an event.
    pub(crate) async fn happened(&self, is_it: impl Fn(&Event) -> bool) {
        self.until(|events| events.iter().any(&is_it)).await;
    }

    async fn until(&self, enough: impl Fn(&[Event]) -> bool) {
        loop {
            let mut news = std::pin::pin!(self.events.news.notified());
            news.as_mut().enable();
            if enough(&self.events()) {
                return;
            }
            news.await;
        }
    }

    /// The record of the only request, after it ended; checks that everything handed out came back.
    pub(crate) async fn only(&self) -> Arc<RequestRecord> {
        let records = self.finished(1).await;
        self.check_books();
        records[0].clone()
    }

    /// Every request that arrived has ended exactly once, and nothing is held any more.
    pub(crate) fn check_books(&self) {
        let events = self.events();
        let ids = |pick: fn(&Event) -> Option<u64>| {
            let mut ids: Vec<u64> = events.iter().filter_map(pick).collect();
            ids.sort_unstable();
            ids
        };
        let arrived = ids(|e| if let Event::Arrived(a) = e { Some(a.id.0) } else { None });
        let finished = ids(|e| if let Event::Finished(r) = e { Some(r.id.0) } else { None });
        assert_eq!(arrived, finished, "one end for each arrival");
        assert_eq!(self.books.open.load(Ordering::SeqCst), 0, "every reservation came back once");
        let whole = events.iter().filter(|e| matches!(e, Event::Finished(r) if r.outcome == Outcome::Ok)).count();
        assert!(self.books.settled.load(Ordering::SeqCst) >= whole, "every whole answer was settled");
    }

    /// Tells the gateway to stop.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    pub(crate) async fn drained(self) -> Drained {
        self.server.await.unwrap()
    }
}

fn parts(sink: Sink, routes: watch::Receiver<Arc<Routes>>, books: Arc<Books>, plan: Plan) -> Parts {
    Parts {
        upstream: Arc::new(HttpUpstream::trusting(plan.timing.unwrap_or_default(), plan.roots.clone())),
        sink,
        clock: Arc::new(TestClock(Instant::now())),
        routes,
        next_id: Arc::new(AtomicU64::new(1)),
        class_of: Box::new(|_, model| ModelClass::new(model.as_str())),
        cost_nanos: Box::new(|_, _, _| None),
        metrics: Box::new(|| "tierline_up 1\n".to_owned()),
        patience: plan.patience.unwrap_or_default(),
        admission: match &plan.limiter {
            Some(limiter) => Arc::new(limiter.clone()),
            None => Arc::new(Scribe { books, plan }),
        },
    }
}

/// Only binds.
pub(crate) async fn bind(listen: SocketAddr) -> Result<Gateway, Problem> {
    let (_, routes) = watch::channel(Arc::default());
    Gateway::bind(parts(Sink::new().0, routes, Arc::default(), Plan::default()), listen).await
}

pub(crate) fn endpoint(id: i64, provider: Provider, label: &str, base_url: &str, key: Option<&str>) -> Endpoint {
    let key = key.map(|key| Secret::from_pasted(key).unwrap());
    let account = Account {
        id: AccountId(id),
        provider,
        label: label.into(),
        base_url: BaseUrl::parse(base_url).unwrap(),
        fingerprint: Secret::from_pasted(KEY).unwrap().fingerprint(),
        key: KeyRef::Memory { entry: label.into() },
        created_at: Timestamp::UNIX_EPOCH,
    };
    Endpoint::new(account, key)
}

pub(crate) fn token(account: Option<&str>) -> ClientToken {
    ClientToken::new(ClientName::new("tests"), &Secret::from_pasted(TOKEN).unwrap(), account.map(Into::into))
}

pub(crate) fn deadline_refusal() -> LocalRefusal {
    LocalRefusal {
        reason: LocalReason::Deadline,
        bucket: None,
        retry_after: Some(Duration::from_secs(7)),
        ready_at: None,
        message: "no room within the deadline".into(),
    }
}

struct TestClock(Instant);

impl Clock for TestClock {
    fn now(&self) -> Now {
        let since = self.0.elapsed();
        Now { tick: Tick::ZERO + since, wall: Timestamp::UNIX_EPOCH + since }
    }
}

struct Scribe {
    books: Arc<Books>,
    plan: Plan,
}

struct Slip {
    books: Arc<Books>,
    retries: usize,
    open: bool,
}

impl Admission for Scribe {
    fn admit(&self, ask: Ask) -> Wait<Result<Box<dyn Hold>, LocalRefusal>> {
        self.books.asks.lock().unwrap().push(ask);
        let (books, plan) = (self.books.clone(), self.plan.clone());
        Box::pin(async move {
            match plan.admit {
                Admit::AtOnce => {}
                Admit::After(gate) => gate.pass().await,
                Admit::Never(refusal) => return Err(refusal),
            }
            Ok(Box::new(Slip::take(books, plan.retries)) as Box<dyn Hold>)
        })
    }
}

impl Slip {
    fn take(books: Arc<Books>, retries: usize) -> Self {
        books.open.fetch_add(1, Ordering::SeqCst);
        Self { books, retries, open: true }
    }

    fn again(&self, allowed: bool) -> Option<Box<dyn Hold>> {
        (allowed && self.retries > 0).then(|| Box::new(Self::take(self.books.clone(), self.retries - 1)) as Box<dyn Hold>)
    }
}

impl Drop for Slip {
    fn drop(&mut self) {
        assert!(std::mem::replace(&mut self.open, false));
        self.books.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Hold for Slip {
    fn waited(&self) -> Duration {
        Duration::from_millis(1_250)
    }

    fn bound_by(&self) -> Option<Meter> {
        Some(Meter(Dimension::OutputTokens, Period::MINUTE))
    }

    fn reserved(&self) -> Cost {
        Cost::request().with(Dimension::InputTokens, 11).with(Dimension::OutputTokens, 22)
    }

    fn ledger(&self) -> Vec<String> {
        vec!["RPM 3 of 5".into()]
    }

    fn observe(&mut self, _: &Snapshot) {}

    fn settle(self: Box<Self>, usage: &Usage) {
        self.books.usages.lock().unwrap().push(usage.clone());
        self.books.settled.fetch_add(1, Ordering::SeqCst);
    }

    fn refused(self: Box<Self>, _: Verdict) -> Wait<Option<Box<dyn Hold>>> {
        Box::pin(async move { self.again(true) })
    }

    fn failed(self: Box<Self>, safe: bool, _: String) -> Wait<Option<Box<dyn Hold>>> {
        Box::pin(async move { self.again(safe) })
    }
}
