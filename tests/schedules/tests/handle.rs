//! Schedules of the limiter's handle: whatever order its tasks run in, nobody is forgotten, and what was taken is settled once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use shuttle::future::{block_on, spawn};
use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;
use tierline_schedules::domain::{
    AccountId, Api, Certainty, ClientName, Dialect, Dimension, Lane, Limit, LimitSource, ModelClass, Period, Provider, RequestFacts,
    RequestId, Usage, Verdict, VerdictKind, Whose, Window,
};
use tierline_schedules::explore::{Time, explore};
use tierline_schedules::limiter::core::Effect;
use tierline_schedules::limiter::{AccountSetup, Ask, Core, Limiter, Settings};
use tierline_schedules::sync::forget_early_notifications;
use tierline_schedules::time::{self, VirtualClock, sleep};

/// What one program does with its request.
#[derive(Debug, Clone, Copy)]
enum Program {
    /// Waits, and tells what it took.
    Settles,
    /// Waits, and drops what it was given.
    Drops,
    /// Waits for so many milliseconds at most, then drops the future: while it waits, or at the moment it is let go.
    GivesUp(u64),
    /// May wait for so many milliseconds.
    HasDeadline(u64),
    /// Is refused by the provider, which asks for so many milliseconds, and goes again.
    IsRefused(u64),
    /// Gets no answer, and goes again if it can.
    Fails,
}

/// Two at once, four a minute; and what nobody waits for, to count with: the requests and the tokens of a day.
fn limiter() -> Limiter {
    let assumed = |_: Provider, _: &ModelClass| {
        let limit = |dimension, window, capacity| Limit { dimension, window, capacity, source: LimitSource::Admin };
        vec![
            limit(Dimension::Requests, Window::PER_MINUTE, 4),
            limit(Dimension::Concurrent, Window::AT_ONCE, 2),
            limit(Dimension::Requests, Window::PACIFIC_DAY, 1_000),
            limit(Dimension::Tokens, Window::PACIFIC_DAY, 1_000_000),
        ]
    };
    let mut core = Core::new(Settings { trust_bursts: true, ..Settings::default() }, Arc::new(assumed));
    core.set_account(AccountSetup {
        id: AccountId(1),
        provider: Provider::Anthropic,
        dialect: Dialect::Anthropic,
        label: "a".into(),
        scope: None,
    });
    Limiter::new(core, Arc::new(VirtualClock), |_| {})
}

/// What the programs did, to hold the books against.
#[derive(Debug, Default)]
struct Seen {
    sent: u64,
    tokens: u64,
    /// Some of them told nothing.
    unknown: bool,
}

async fn program(limiter: Limiter, n: u64, does: Program, seen: Arc<Mutex<Seen>>) {
    let patience = if let Program::HasDeadline(millis) = does { Some(Duration::from_millis(millis)) } else { None };
    let ask = Ask {
        id: RequestId(n),
        account: AccountId(1),
        class: ModelClass::new("class"),
        client: ClientName::new(["a", "b"][n as usize % 2]),
        lane: [Lane::Interactive, Lane::Batch][n as usize % 2],
        facts: Arc::new(RequestFacts { max_output: Some(100), ..RequestFacts::opaque(Api::Messages, 400) }),
        patience,
        elsewhere: false,
    };
    let admitted = if let Program::GivesUp(millis) = does {
        tokio::select! {
            biased;
            admitted = limiter.admit(ask) => admitted,
            () = sleep(Duration::from_millis(millis)) => return,
        }
    } else {
        limiter.admit(ask).await
    };
    let Ok(mut reservation) = admitted else { return };
    seen.lock().unwrap().sent += 1;
    sleep(Duration::from_secs(1)).await;
    let verdict = |millis| Verdict {
        kind: VerdictKind::Wait,
        dimension: Some(Dimension::Concurrent),
        period: Some(Period::AT_ONCE),
        limit: None,
        used: None,
        requested: None,
        retry_after: Some(Duration::from_millis(millis)),
        scope: None,
        whose: Whose::Account,
        reason: "refused".into(),
        advice: String::new(),
    };
    let again = match does {
        Program::IsRefused(millis) => limiter.after_refusal(reservation, &verdict(millis)).await,
        Program::Fails => limiter.after_failure(reservation, true, "down").await,
        _ => Some(reservation),
    };
    match again {
        None => return,
        Some(again) => reservation = again,
    }
    if matches!(does, Program::IsRefused(_) | Program::Fails) {
        seen.lock().unwrap().sent += 1;
        sleep(Duration::from_secs(1)).await;
    }
    if matches!(does, Program::Drops) {
        seen.lock().unwrap().unknown = true;
        drop(reservation);
        return;
    }
    seen.lock().unwrap().tokens += 150 + n;
    reservation.settle(&Usage { input: 100, output: 50 + n, certainty: Certainty::Exact, ..Usage::default() });
}

/// Nobody who waits could go now, and the limiter looks again when somebody can.
fn nobody_is_kept_waiting(limiter: &Limiter) {
    limiter.with(|core, now| {
        let look_at = core.pump(now);
        let ignored: Vec<Effect> = core.take_effects().into_iter().filter(|e| matches!(e, Effect::Grant(_) | Effect::Refuse(..))).collect();
        assert!(ignored.is_empty(), "somebody waited until {:?} although nothing was in the way: {ignored:?}", now.tick);
        if let Some(look_at) = look_at {
            let waking = time::next_waking();
            assert!(waking.is_some_and(|at| at <= look_at), "somebody can go at {look_at:?}, and the next to wake is {waking:?}");
        }
    });
}

/// Each of these programs with a task or thread of its own, until all have ended; then the books.
fn run(time: Time, programs: &[Program], closes_after: Option<Duration>) {
    time::begin();
    let limiter = limiter();
    let watched = limiter.clone();
    // looking might mend what it looks for, so half of the time nobody looks
    let looks = time == Time::Last && thread_rng().gen_range(0..2) == 0;
    let clock = spawn(time::pass(move || {
        if looks {
            nobody_is_kept_waiting(&watched)
        }
    }));
    let timer = spawn({
        let limiter = limiter.clone();
        async move { limiter.run().await }
    });
    let seen = Arc::new(Mutex::new(Seen::default()));
    let (mut threads, mut tasks) = (Vec::new(), Vec::new());
    for (n, does) in (0..).zip(programs) {
        let program = program(limiter.clone(), n, *does, Arc::clone(&seen));
        if n % 2 == 0 {
            threads.push(thread::spawn(move || block_on(program)));
        } else {
            tasks.push(spawn(program));
        }
    }
    if let Some(long) = closes_after {
        let limiter = limiter.clone();
        tasks.push(spawn(async move {
            sleep(long).await;
            limiter.with(|core, _| core.close());
        }));
    }
    for thread in threads {
        thread.join().unwrap();
    }
    block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
        time::end();
        clock.await.unwrap();
    });
    timer.abort();
    let seen = seen.lock().unwrap();
    limiter.with(|core, now| {
        assert_eq!(core.counts(), (0, 0), "somebody still waits, or was never settled");
        assert_eq!(core.broken_law(), None);
        for bucket in core.buckets(now) {
            assert_eq!(bucket.held, 0, "{} is still held", bucket.meter);
            match (bucket.key.dimension, bucket.key.period) {
                (Dimension::Requests, Period::DAY) => assert_eq!(bucket.used, seen.sent, "each that was sent counts once: {seen:?}"),
                (Dimension::Tokens, Period::DAY) if !seen.unknown => {
                    assert_eq!(bucket.used, seen.tokens, "each settlement counts once: {seen:?}");
                }
                _ => {}
            }
        }
    });
}

/// A quarter of a second to forty, so that things happen at the same moment.
fn a_while() -> u64 {
    250 * thread_rng().gen_range(1..160_u64)
}

/// Five programs that do anything.
fn crowd(time: Time, closes: bool) {
    let programs = [(); 5].map(|()| match thread_rng().gen_range(0..8) {
        0 => Program::Drops,
        1 | 2 => Program::GivesUp([0, 1_000, 2_000, 15_000, a_while()][thread_rng().gen_range(0..5_usize)]),
        3 => Program::HasDeadline(a_while()),
        4 => Program::IsRefused(a_while() / 8),
        5 => Program::Fails,
        _ => Program::Settles,
    });
    run(time, &programs, closes.then(|| Duration::from_millis(a_while())));
}

#[test]
fn everything_happens_at_the_moment_it_can() {
    explore(4_000, Time::Last, || crowd(Time::Last, false));
}

#[test]
fn everybody_may_be_late() {
    explore(4_000, Time::Whenever, || crowd(Time::Whenever, false));
}

#[test]
fn the_limiter_closes_meanwhile() {
    explore(2_000, Time::Last, || crowd(Time::Last, true));
    explore(2_000, Time::Whenever, || crowd(Time::Whenever, true));
}

/// Both places are taken, and who waits first goes away at the moment at which one of them is free.
#[test]
fn a_place_that_is_let_go_when_it_is_given_up() {
    const PROGRAMS: [Program; 4] = [Program::Settles, Program::Settles, Program::GivesUp(1_000), Program::Settles];
    explore(1_000, Time::Last, || run(Time::Last, &PROGRAMS, None));
    explore(1_000, Time::Whenever, || run(Time::Whenever, &PROGRAMS, None));
}

/// The exploration itself can fail: where a notification is lost unless somebody waits for it already, it does.
#[test]
#[should_panic(expected = "somebody can go at")]
fn a_lost_wake_up_is_found() {
    explore(4_000, Time::Last, || {
        forget_early_notifications(true);
        crowd(Time::Last, false);
    });
}
