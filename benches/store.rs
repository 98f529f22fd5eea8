//! Measures the store against what it promises: 20,000 events a second, any chart within 50 ms, a start within 500 ms.
//!
//! `TIERLINE_BENCH_ROWS=10000000 cargo bench --bench store`; a million rows unless told.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use tierline::clock::SystemClock;
use tierline::domain::query::{ExportFormat, ExportOrder, ExportWhat, Measure, RequestsQuery, SeriesQuery, Split};
use tierline::domain::{
    AccountId, Api, Budget, Certainty, ClientName, Clock, Dimension, Identity, Lane, ModelClass, ModelId, Outcome, Period, Pool, Provider,
    Reading, RequestId, RequestRecord, Snapshot, Usage,
};
use tierline::engine::{Engine, Options};
use tierline::store::{DataDir, Reader, Store, Write, export};
use tierline::vault::Vault;

/// 2026-11-24T12:00:00Z.
const END: i64 = 1_795_521_600_000;
const DAY: i64 = 86_400_000;
const YEAR: i64 = 365 * DAY;

fn main() -> Result<(), Box<dyn Error>> {
    let rows: u64 = std::env::var("TIERLINE_BENCH_ROWS").ok().map_or(Ok(1_000_000), |rows| rows.parse())?;
    let temp = tempfile::tempdir()?;
    let dir = DataDir::open(Some(&temp.path().join("data")))?;
    let clock = SystemClock::new();
    let (store, _) = Store::open(&dir, &clock)?;

    let ((), took) = timed(&clock, || fill(&store, rows))?;
    println!("{rows} requests over a year written in {took:?}: {:.0}/s", per_second(rows, took));
    let ((), took) = timed(&clock, || store.close())?;
    let bytes = std::fs::metadata(dir.database())?.len();
    println!("closed in {took:?}; {} MB, {:.0} MB per million requests", bytes >> 20, mega(bytes) / mega(rows));

    let ((store, _), took) = timed(&clock, || Store::open(&dir, &clock))?;
    println!("opened in {took:?}");
    let (reader, took) = timed(&clock, || store.reader())?;
    println!("reader opened in {took:?}");
    let (_, took) = timed(&clock, || reader.next_request_id())?;
    println!("next request's number in {took:?}");
    charts(&reader, &clock)?;
    lists(&reader, &clock)?;
    let order = ExportOrder {
        what: ExportWhat::Requests,
        from: Some(at(END - 30 * DAY)),
        to: None,
        format: ExportFormat::Csv,
        path: temp.path().join("out.csv"),
    };
    let (count, took) = timed(&clock, || export::write_file(&reader, &order))?;
    println!("{count} rows exported in {took:?}: {:.0}/s", per_second(count, took));
    for (name, days) in [("a day", 1), ("a month", 31)] {
        let (_, took) = timed(&clock, || reader.spent(None, at(END - days * DAY)))?;
        println!("what was spent in {name} in {took:?}");
    }
    prune(&store, clock)?;
    paced(&store, &clock, rows)?;
    let ((), took) = timed(&clock, || flood(&store, 2 * rows))?;
    println!("{FLOOD} events at once written in {took:?}: {:.0}/s", per_second(FLOOD, took));
    store.close()?;
    start(dir, &clock)
}

/// What a start takes with this history, a budget of a month included: the engine, and its first view.
fn start(dir: DataDir, clock: &SystemClock) -> Result<(), Box<dyn Error>> {
    let (store, _) = Store::open(&dir, clock)?;
    store.set_budget(Budget { account: None, period: Period::MONTH, nanos: 1 << 60, zone: "UTC".into() })?;
    store.close()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let listen = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
    let clock: Arc<dyn Clock> = Arc::new(*clock);
    let began = clock.now().tick;
    let options = Options { dir, vault: Vault::memory(), listen, clock: Arc::clone(&clock), demo: false, wake: Box::new(|| ()) };
    let engine = runtime.block_on(Engine::start(options))?;
    let started = clock.now().tick.since(began);
    runtime.block_on(engine.views().wait_for(|view| view.gateway.is_ok() && !view.budgets.is_empty()))?;
    println!("engine started in {started:?}, its first view after {:?}", clock.now().tick.since(began));
    runtime.block_on(engine.stop())?;
    Ok(())
}

/// How many events come at once.
const FLOOD: u64 = 300_000;

fn timed<T, E>(clock: &SystemClock, work: impl FnOnce() -> Result<T, E>) -> Result<(T, Duration), E> {
    let start = clock.now().tick;
    let done = work()?;
    Ok((done, clock.now().tick.since(start)))
}

/// As fast as the writer takes them.
fn fill(store: &Store, rows: u64) -> Result<(), Box<dyn Error>> {
    (0..rows).for_each(|n| insist(store, &Write::Finished(Arc::new(request(n + 1, END - YEAR + offset(n, rows))))));
    Ok(store.flush()?)
}

/// Events of one minute, half of them snapshots, as fast as the writer takes them.
fn flood(store: &Store, first: u64) -> Result<(), Box<dyn Error>> {
    (first..first + FLOOD).for_each(|n| insist(store, &event(n)));
    Ok(store.flush()?)
}

fn insist(store: &Store, write: &Write) {
    while store.write(write.clone()).is_err() {
        thread::sleep(Duration::from_micros(200));
    }
}

fn event(n: u64) -> Write {
    if n.is_multiple_of(2) { Write::Finished(Arc::new(request(n + 1, END))) } else { answered(n) }
}

/// 20,000 events a second for five seconds, half of them snapshots with six readings.
fn paced(store: &Store, clock: &SystemClock, rows: u64) -> Result<(), Box<dyn Error>> {
    const EVENTS: u64 = 100_000;
    let before = store.health();
    let start = clock.now().tick;
    let mut waits = Vec::new();
    for n in 0..EVENTS {
        let due = start + Duration::from_micros(50 * n);
        while clock.now().tick < due {
            thread::sleep(Duration::from_micros(500));
        }
        let write = event(rows + n);
        let asked = clock.now().tick;
        let _ = store.write(write);
        waits.push(clock.now().tick.since(asked));
    }
    let took = clock.now().tick.since(start);
    store.flush()?;
    let after = store.health();
    waits.sort();
    println!(
        "20,000 events/s for {took:?}: {} written, {} dropped, caller held up p50 {:?} p99 {:?} max {:?}",
        after.written - before.written,
        after.dropped - before.dropped,
        waits[waits.len() / 2],
        waits[waits.len() * 99 / 100],
        waits[waits.len() - 1]
    );
    Ok(())
}

fn charts(reader: &Reader, clock: &SystemClock) -> Result<(), Box<dyn Error>> {
    const RANGES: [(&str, i64); 9] = [
        ("5 minutes", 300_000),
        ("1 hour", 3_600_000),
        ("6 hours", 6 * 3_600_000),
        ("1 day", DAY),
        ("7 days", 7 * DAY),
        ("20 days", 20 * DAY),
        ("30 days", 30 * DAY),
        ("120 days", 120 * DAY),
        ("1 year", YEAR),
    ];
    let filters = [
        (None, None),
        (Some(AccountId(1)), None),
        (None, Some(ModelClass::new("sonnet"))),
        (Some(AccountId(1)), Some(ModelClass::new("sonnet"))),
    ];
    for (name, range) in RANGES {
        let mut worst = Duration::ZERO;
        let mut step_secs = 0;
        for (account, class) in &filters {
            for measure in [Measure::Requests, Measure::Tokens, Measure::WaitMillis] {
                let (account, class) = (*account, class.clone());
                let query = SeriesQuery { measure, account, class, split: None, from: at(END - range), to: at(END), max_points: 1_000 };
                let (series, took) = timed(clock, || reader.series(&query))?;
                (worst, step_secs) = (worst.max(took), series.step_secs);
            }
        }
        let mut divided = Duration::ZERO;
        for (account, class) in &filters {
            for split in [Split::Client, Split::Model] {
                let (account, class, from, to) = (*account, class.clone(), at(END - range), at(END));
                let query = SeriesQuery { measure: Measure::Tokens, account, class, split: Some(split), from, to, max_points: 360 };
                let (_, took) = timed(clock, || reader.series(&query))?;
                divided = divided.max(took);
            }
        }
        println!("chart of {name}: steps of {step_secs} s, slowest of 12 {worst:?}; divided, slowest of 8 {divided:?}");
    }
    Ok(())
}

fn lists(reader: &Reader, clock: &SystemClock) -> Result<(), Box<dyn Error>> {
    for account in [None, Some(AccountId(3)), Some(AccountId(99))] {
        let query = RequestsQuery { account, before: None, limit: 500 };
        let (page, took) = timed(clock, || reader.requests(&query))?;
        println!("newest {} requests of {account:?} in {took:?}", page.len());
    }
    let (used, took) = timed(clock, || reader.models_used(at(END - 30 * DAY)))?;
    println!("{} models in use over 30 days in {took:?}", used.len());
    Ok(())
}

/// Prunes a month while somebody else waits for the writer again and again.
fn prune(store: &Store, clock: SystemClock) -> Result<(), Box<dyn Error>> {
    let done = Arc::new(AtomicBool::new(false));
    let other = thread::Builder::new().spawn({
        let (store, done) = (store.clone(), Arc::clone(&done));
        move || {
            let mut longest = Duration::ZERO;
            while !done.load(Ordering::Relaxed) {
                if let Ok(((), took)) = timed(&clock, || store.flush()) {
                    longest = longest.max(took);
                }
                thread::sleep(Duration::from_millis(1));
            }
            longest
        }
    })?;
    let (count, took) = timed(&clock, || store.prune(at(END - YEAR + 30 * DAY)))?;
    done.store(true, Ordering::Relaxed);
    let longest = other.join().map_err(|_| "the waiting thread failed")?;
    println!("{count} rows pruned in {took:?}; meanwhile a write waited {longest:?} at the most");
    Ok(())
}

fn request(id: u64, arrived: i64) -> RequestRecord {
    let account = AccountId(1 + i64::try_from(id % 3).unwrap_or(0));
    let class = ["sonnet", "opus", "haiku", "gpt-5"][usize::try_from(id % 4).unwrap_or(0)];
    RequestRecord {
        id: RequestId(id),
        arrived_at: at(arrived),
        finished_at: at(arrived + 2_000),
        account,
        account_label: "work".into(),
        provider: Provider::Anthropic,
        client: ClientName::new(["nightly-batch", "agent", "chat", "index", "notebook"][usize::try_from(id % 5).unwrap_or(0)]),
        lane: Lane::Batch,
        api: Api::Messages,
        model_asked: Some(ModelId::new(["claude-sonnet-4-5-20250929", "opus", "haiku", "gpt-5"][usize::try_from(id % 4).unwrap_or(0)])),
        class: ModelClass::new(class),
        status: 200,
        outcome: Outcome::Ok,
        wait_millis: id % 900,
        first_byte_millis: Some(480),
        attempts: 1,
        usage: Usage {
            input: 1_200 + id % 700,
            output: 300 + id % 90,
            certainty: Certainty::Exact,
            model: Some(ModelId::new("claude-sonnet-4-5-20250929")),
            service_tier: Some("standard".into()),
            ..Usage::default()
        },
        counted_input: 1_200 + id % 700,
        counted_output: 300 + id % 90,
        cost_nanos: Some(8_100_000),
        reserved_input: 1_300,
        reserved_output: 512,
        bound_by: Some("OTPM".into()),
        verdict: None,
        upstream_request_id: Some("req_011CSHoEeqs5C35K2UUqR7Fy".into()),
        request_bytes: 5_200,
        response_bytes: 2_100,
        served_by: None,
    }
}

fn answered(id: u64) -> Write {
    let reading = |dimension, pool| Reading {
        dimension,
        period: Some(Period::MINUTE),
        pool,
        limit: Some(400_000),
        remaining: Some(123_000),
        full_at: Some(at(END)),
        grain: 1_000,
    };
    let mut snapshot = Snapshot::empty(at(END), 200);
    snapshot.readings = [Pool::Standard, Pool::Priority]
        .into_iter()
        .flat_map(|pool| [Dimension::Requests, Dimension::InputTokens, Dimension::OutputTokens].map(|dimension| reading(dimension, pool)))
        .collect();
    snapshot.identity = Identity { organization: Some("0f0e0d0c-1111-2222-3333-444455556666".into()), ..Identity::default() };
    snapshot.request_id = Some("req_011CSHoEeqs5C35K2UUqR7Fy".into());
    Write::Answered { id: RequestId(id), account: AccountId(1), class: ModelClass::new("sonnet"), snapshot: Arc::new(snapshot) }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Where in the year the n-th of `rows` requests lies.
fn offset(n: u64, rows: u64) -> i64 {
    let share = u128::from(n) * u128::from(YEAR.unsigned_abs()) / u128::from(rows);
    i64::try_from(share).unwrap_or(YEAR)
}

fn per_second(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

fn mega(count: u64) -> f64 {
    count as f64 / 1e6
}
