//! The async side of the limiter: waiting futures, one timer, reservations that settle themselves. The only file with tasks in it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::core::{Core, Effect};
use super::line::Ticket;
use super::settle::Next;
use crate::domain::dimension::Meter;
use crate::domain::{
    AccountId, ClientName, Clock, Cost, Dimension, Lane, LimitChange, LocalRefusal, ModelClass, Notice, Now, RequestFacts, RequestId,
    Snapshot, Tick, Usage, Verdict,
};
use crate::sync::{Mutex, MutexGuard, Notify, oneshot, sleep};

/// A request that wants to be admitted.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Its number.
    pub id: RequestId,
    /// Which account will serve it.
    pub account: AccountId,
    /// Which models' buckets it draws on.
    pub class: ModelClass,
    /// Which program sent it.
    pub client: ClientName,
    /// Which queue it stands in.
    pub lane: Lane,
    /// What is known of it.
    pub facts: Arc<RequestFacts>,
    /// The longest it may wait for room. `None` is the user's setting.
    pub patience: Option<Duration>,
    /// Whether somebody else can serve it: then it does not wait for an account that is stopped or an endpoint that fails.
    pub elsewhere: bool,
}

/// What the limiter has to tell that belongs to no single request.
#[derive(Debug)]
pub enum Told {
    /// A limit changed.
    Limit(LimitChange),
    /// Something the user should know.
    Notice(Notice),
}

/// Whether one that waits may go.
type Answer = Result<(), LocalRefusal>;

/// How one that asked for room fares.
enum Entered {
    /// It may go at once, and needs no door to wait at.
    Goes(Ticket, Taken),
    Waits(Place, oneshot::Receiver<Answer>),
}

/// What was taken for one that was let go, and the meter that made it wait.
type Taken = (Option<Meter>, Cost);

/// Admits requests. Cheap to clone.
#[derive(Clone)]
pub struct Limiter(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
    wake: Notify,
    told: Box<dyn Fn(Told) + Send + Sync>,
}

struct State {
    core: Core,
    doors: BTreeMap<Ticket, oneshot::Sender<Answer>>,
    /// When the timer will look next.
    alarm: Option<Tick>,
    /// Counts changes, so that a view is made only when there is something new.
    changes: u64,
}

/// Room that was taken for one request. Settled exactly once: by [`settle`](Self::settle), or on drop as if nothing was learned.
pub struct Reservation {
    shared: Arc<Shared>,
    ticket: Ticket,
    ask: Ask,
    waited: Duration,
    bound_by: Option<Meter>,
    reserved: Cost,
    open: bool,
}

/// A place in the queue that is given up on drop.
struct Place {
    shared: Arc<Shared>,
    ticket: Ticket,
    since: Tick,
    waits: bool,
}

impl Limiter {
    /// A limiter around `core`. `told` hears what belongs to no single request; it must not block.
    ///
    /// [`run`](Self::run) must be spawned once, or nobody who waits is ever let in.
    #[must_use]
    pub fn new(core: Core, clock: Arc<dyn Clock>, told: impl Fn(Told) + Send + Sync + 'static) -> Self {
        let state = State { core, doors: BTreeMap::new(), alarm: None, changes: 0 };
        Self(Arc::new(Shared { state: Mutex::new(state), clock, wake: Notify::new(), told: Box::new(told) }))
    }

    /// The timer: sleeps until the exact moment at which somebody may go. Sleeps for ever while nobody waits.
    pub async fn run(&self) {
        loop {
            let alarm = self.0.lock().alarm;
            match alarm {
                None => self.0.wake.notified().await,
                Some(at) => {
                    let wait = at.since(self.0.clock.now().tick);
                    tokio::select! {
                        biased; // either way it looks again; a choice by chance would be one more that no schedule repeats
                        () = sleep(wait) => self.0.with(|_, _| ()),
                        () = self.0.wake.notified() => {}
                    }
                }
            }
        }
    }

    /// Waits for room in every bucket the request draws on. Dropping the future gives up the place in the queue.
    ///
    /// # Errors
    /// A refusal of our own that says when it would pass, or never.
    pub async fn admit(&self, ask: Ask) -> Result<Reservation, LocalRefusal> {
        let entered = Shared::enter(&self.0, |core, now| core.enqueue(ask.clone(), now))?;
        self.come_in(entered, ask, Duration::ZERO).await
    }

    /// After a refusal by the provider: gives the room back, freezes the bucket that the verdict names, and, where a
    /// retry can help and is allowed, waits at the head of the queue for room again.
    ///
    /// `None` if the refusal should be passed on to the client.
    pub async fn after_refusal(&self, reservation: Reservation, verdict: &Verdict) -> Option<Reservation> {
        self.again(reservation, |core, ticket, now| core.refused(ticket, verdict, now)).await
    }

    /// After an attempt that got no answer for this reason: gives the room back as far as a retry is `safe`, and, where it is
    /// allowed as well, waits for room again.
    pub async fn after_failure(&self, reservation: Reservation, safe: bool, reason: &str) -> Option<Reservation> {
        self.again(reservation, |core, ticket, now| core.failed(ticket, safe, reason, now)).await
    }

    /// Looks at or changes the core; whoever may go afterwards is let in.
    pub fn with<T>(&self, f: impl FnOnce(&mut Core, Now) -> T) -> T {
        self.0.with(|state, now| f(&mut state.core, now))
    }

    /// A number that grows with every change.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.0.lock().changes
    }

    async fn again(&self, mut reservation: Reservation, f: impl FnOnce(&mut Core, Ticket, Now) -> Next) -> Option<Reservation> {
        reservation.open = false;
        let ticket = reservation.ticket;
        let stand = |core: &mut Core, now| match f(core, ticket, now) {
            Next::Again => Ok(ticket),
            Next::PassOn => Err(None::<LocalRefusal>),
        };
        let entered = Shared::enter(&self.0, stand).ok()?;
        self.come_in(entered, reservation.ask.clone(), reservation.waited).await.ok()
    }

    async fn come_in(&self, entered: Entered, ask: Ask, waited: Duration) -> Result<Reservation, LocalRefusal> {
        let (ticket, (bound_by, reserved), waited) = match entered {
            Entered::Goes(ticket, taken) => (ticket, taken, waited),
            Entered::Waits(mut place, opened) => {
                let answer = opened.await;
                place.waits = false;
                // the door is dropped only with the limiter itself
                answer.unwrap_or_else(|_| Err(LocalRefusal::shutting_down()))?;
                let taken = self.0.lock().core.taken(place.ticket).unwrap_or_default();
                (place.ticket, taken, waited + self.0.clock.now().tick.since(place.since))
            }
        };
        Ok(Reservation { shared: Arc::clone(&self.0), ticket, ask, waited, bound_by, reserved, open: true })
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // a panic while the lock was held leaves sums that are at worst a little off; the gateway must go on
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `f`, lets go who may go then, delivers the answers, and sets the alarm.
    fn with<T>(&self, f: impl FnOnce(&mut State, Now) -> T) -> T {
        self.step(f, |result, _, _, _| result)
    }

    /// Stands one in the queue by `f`.
    fn enter<E: From<LocalRefusal>>(shared: &Arc<Self>, f: impl FnOnce(&mut Core, Now) -> Result<Ticket, E>) -> Result<Entered, E> {
        let seat = |ticket: Result<Ticket, E>, state: &mut State, refused: Option<(Ticket, LocalRefusal)>, now: Now| {
            let ticket = ticket?;
            if let Some((_, refusal)) = refused.filter(|(whose, _)| *whose == ticket) {
                return Err(refusal.into());
            }
            if let Some(taken) = state.core.taken(ticket) {
                return Ok(Entered::Goes(ticket, taken));
            }
            let (door, opened) = oneshot::channel();
            state.doors.insert(ticket, door);
            Ok(Entered::Waits(Place { shared: Arc::clone(shared), ticket, since: now.tick, waits: true }, opened))
        };
        shared.step(|state, now| f(&mut state.core, now), seat)
    }

    /// Runs `f`, lets go who may go then, delivers the answers, runs `then`, and sets the alarm. `then` is told of the refusal of one
    /// who has no door yet.
    fn step<T, U>(
        &self,
        f: impl FnOnce(&mut State, Now) -> T,
        then: impl FnOnce(T, &mut State, Option<(Ticket, LocalRefusal)>, Now) -> U,
    ) -> U {
        let now = self.clock.now();
        let mut guard = self.lock();
        let state = &mut *guard;
        let result = f(state, now);
        state.changes += 1;
        let alarm = state.core.pump(now);
        let sooner = alarm.is_some() && (state.alarm.is_none() || alarm < state.alarm);
        state.alarm = alarm;
        let (mut told, mut refused) = (Vec::new(), None);
        for effect in state.core.take_effects() {
            match effect {
                // nobody listens any more if the client went away at the same moment; its place is then given up
                Effect::Grant(ticket) => drop(state.doors.remove(&ticket).map(|door| door.send(Ok(())))),
                Effect::Refuse(ticket, refusal) => match state.doors.remove(&ticket) {
                    Some(door) => drop(door.send(Err(refusal))),
                    None => refused = Some((ticket, refusal)),
                },
                Effect::Limit(change) => told.push(Told::Limit(change)),
                Effect::Notice(notice) => told.push(Told::Notice(notice)),
            }
        }
        let result = then(result, state, refused, now);
        drop(guard);
        if sooner {
            self.wake.notify_one();
        }
        told.into_iter().for_each(&self.told);
        result
    }
}

impl Reservation {
    /// How long it waited for room, over all attempts.
    #[must_use]
    pub const fn waited(&self) -> Duration {
        self.waited
    }

    /// The meter that made it wait.
    #[must_use]
    pub const fn bound_by(&self) -> Option<Meter> {
        self.bound_by
    }

    /// What was taken for it.
    #[must_use]
    pub const fn reserved(&self) -> Cost {
        self.reserved
    }

    /// Which request it is for.
    #[must_use]
    pub const fn ask(&self) -> &Ask {
        &self.ask
    }

    /// The head of the answer arrived.
    pub fn observe(&mut self, snapshot: &Snapshot) {
        self.shared.with(|state, now| state.core.observe(self.ticket, snapshot, now));
    }

    /// The answer is over and took this.
    pub fn settle(mut self, usage: &Usage) {
        self.open = false;
        self.shared.with(|state, now| state.core.settle(self.ticket, usage, now));
    }

    /// What the buckets it draws on hold now, one line each.
    #[must_use]
    pub fn ledger(&self) -> Vec<String> {
        let state = self.shared.lock();
        let class = state.core.class_of_flight(self.ticket).unwrap_or(&self.ask.class);
        state.core.ledger(self.ask.account, class)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.open {
            self.shared.with(|state, now| state.core.settle(self.ticket, &Usage::default(), now));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.waits {
            self.shared.with(|state, now| {
                state.doors.remove(&self.ticket);
                // it may have been let go at this very moment
                state.core.cancel(self.ticket);
                state.core.withdraw(self.ticket, now);
            });
        }
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Limiter").field(&self.0.lock().core).finish()
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation").field("ticket", &self.ticket).field("ask", &self.ask).finish_non_exhaustive()
    }
}

impl Core {
    /// What was taken for a request, if it was let go.
    fn taken(&self, ticket: Ticket) -> Option<Taken> {
        let flight = self.flights.get(&ticket)?;
        let expected = flight.waiting.expected;
        let money = || flight.waiting.bound_by_budget.map(|period| Meter(Dimension::Money, period));
        let bound = flight.waiting.bound_by.map(|id| self.book.get(id).key.meter()).or_else(money);
        let cost = Cost::request().with(Dimension::InputTokens, expected.input).with(Dimension::OutputTokens, expected.output);
        Some((bound, cost))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use jiff::Timestamp;

    use super::super::core::{AccountSetup, Settings};
    use super::*;
    use crate::domain::{Api, Dialect, Limit, LimitSource, LocalReason, Provider, Window};

    /// A clock that stands still.
    struct Still;

    impl Clock for Still {
        fn now(&self) -> Now {
            Now { tick: Tick::ZERO, wall: Timestamp::UNIX_EPOCH }
        }
    }

    /// One place in flight, and nobody who runs the timer.
    fn limiter() -> Limiter {
        let one_place = Limit { dimension: Dimension::Concurrent, window: Window::AT_ONCE, capacity: 1, source: LimitSource::User };
        let mut core = Core::new(Settings::default(), Arc::new(move |_, _: &ModelClass| vec![one_place]));
        core.set_account(AccountSetup {
            id: AccountId(1),
            provider: Provider::OpenAi,
            dialect: Dialect::OpenAi,
            label: "main".into(),
            scope: None,
        });
        Limiter::new(core, Arc::new(Still), |_| ())
    }

    fn ask(id: u64, patience: Option<Duration>) -> Ask {
        let facts = Arc::new(RequestFacts::opaque(Api::ChatCompletions, 0));
        let (account, class, client) = (AccountId(1), ModelClass::new("m"), ClientName::new("script"));
        Ask { id: RequestId(id), account, class, client, lane: Lane::Interactive, facts, patience, elsewhere: false }
    }

    #[test]
    fn who_need_not_wait_is_answered_in_the_first_step() {
        let limiter = limiter();
        let first = limiter.admit(ask(1, None)).now_or_never().unwrap().unwrap();
        assert_eq!((first.waited(), first.bound_by()), (Duration::ZERO, None));
        // no patience at all, and the only place is taken
        let refusal = limiter.admit(ask(2, Some(Duration::ZERO))).now_or_never().unwrap().unwrap_err();
        assert_eq!(refusal.reason, LocalReason::Deadline);
        // this one waits; when it gives up, nothing is left of it
        assert!(limiter.admit(ask(3, None)).now_or_never().is_none());
        first.settle(&Usage::default());
        assert_eq!(limiter.0.lock().doors.len(), 0);
        assert!(limiter.admit(ask(4, None)).now_or_never().unwrap().is_ok());
    }
}
