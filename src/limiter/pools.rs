//! Pools beside the ordinary limits. Fast answers and long prompts draw on buckets of their own; capacity that was bought
//! ahead is shown and never waited for, because a request that finds it empty is served at the ordinary limits.

use std::sync::Arc;

use super::core::{Core, LineKey};
use super::estimate::Expectation;
use super::line::Ticket;
use crate::domain::{AccountId, Dialect, ModelClass, Pool, Provider, RequestFacts};

/// Above how many tokens a prompt for this class draws on buckets of its own; `None` if it never does.
pub type LongAbove = Arc<dyn Fn(Provider, &ModelClass) -> Option<u64> + Send + Sync>;

impl Core {
    /// Which classes have buckets of their own for long prompts.
    pub fn set_long_context(&mut self, above: LongAbove) {
        self.long_above = Some(above);
    }

    /// The class in whose buckets a request counts, if its pool is not the ordinary one. The line of its model is open.
    pub(super) fn pooled(&self, line: &LineKey, facts: &RequestFacts, expected: &Expectation) -> Option<ModelClass> {
        if facts.service_tier.as_deref() == Some("fast") && self.has_fast_pool(line.0) {
            return Some(line.1.in_pool(Pool::Fast));
        }
        let above = self.lines.get(line)?.long_above?;
        (expected.input_mean > above).then(|| line.1.in_pool(Pool::LongContext))
    }

    /// Anthropic's `speed: "fast"` has limits and headers of its own; OpenAI's tier of that name shares the ordinary ones.
    fn has_fast_pool(&self, account: AccountId) -> bool {
        self.accounts.get(&account).is_some_and(|account| account.setup.dialect == Dialect::Anthropic)
    }

    /// Above how many tokens this line's prompts draw on other buckets.
    pub(super) fn long_above(&self, line: &LineKey) -> Option<u64> {
        let (above, account) = (self.long_above.as_ref()?, self.accounts.get(&line.0)?);
        if line.1.pool() == Pool::Standard { above(account.setup.provider, &line.1) } else { None }
    }

    /// In which class's buckets a request that was let go counts.
    pub(super) fn class_of_flight(&self, ticket: Ticket) -> Option<&ModelClass> {
        self.flights.get(&ticket).map(|flight| &flight.waiting.ask.class)
    }
}

/// Which class's buckets a reading in the head of an answer is about, when the request drew on those of `class`.
pub(super) fn class_of_reading(class: &ModelClass, pool: Pool) -> Option<ModelClass> {
    match pool {
        // a fast answer carries the ordinary limits as well
        Pool::Standard if class.pool() == Pool::Fast => Some(class.base()),
        Pool::Standard => Some(class.clone()),
        Pool::Fast | Pool::Priority => Some(class.base().in_pool(pool)),
        Pool::LongContext | Pool::Project | Pool::Batch => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::domain::{
        Api, ClientName, Dimension, Lane, Limit, LimitSource, Now, Period, Reading, RequestId, Snapshot, Tick, Usage, Window,
    };
    use crate::limiter::core::Effect;
    use crate::limiter::{AccountSetup, Ask, Settings};

    const ACCOUNT: AccountId = AccountId(1);

    fn now() -> Now {
        Now { tick: Tick::ZERO + Duration::from_secs(1), wall: Timestamp::UNIX_EPOCH }
    }

    struct Books(Core);

    impl Books {
        fn new(dialect: Dialect) -> Self {
            let limit = |class: &ModelClass| {
                let capacity = if class.pool() == Pool::LongContext { 400_000 } else { 1_000_000 };
                Limit { dimension: Dimension::Tokens, window: Window::PER_MINUTE, capacity, source: LimitSource::User }
            };
            let mut core = Core::new(
                Settings { trust_bursts: true, ..Settings::default() },
                Arc::new(move |_, class| if class.pool() == Pool::Fast { Vec::new() } else { vec![limit(class)] }),
            );
            core.set_account(AccountSetup { id: ACCOUNT, provider: Provider::OpenAi, dialect, label: "a".into(), scope: None });
            core.set_long_context(Arc::new(|_, class| (class.as_str() == "long").then_some(100_000)));
            Self(core)
        }

        /// Sends a request; in which class it counts.
        fn send(&mut self, class: &str, text_bytes: u64, tier: Option<&str>) -> (Ticket, String) {
            let facts = RequestFacts {
                service_tier: tier.map(Into::into),
                max_output: Some(10),
                ..RequestFacts::opaque(Api::Messages, text_bytes)
            };
            let ask = Ask {
                id: RequestId(1),
                account: ACCOUNT,
                class: ModelClass::new(class),
                client: ClientName::new("test"),
                lane: Lane::Interactive,
                facts: Arc::new(facts),
                patience: None,
                elsewhere: false,
            };
            let ticket = self.0.enqueue(ask, now()).unwrap();
            self.0.pump(now());
            assert!(self.0.take_effects().iter().any(|effect| matches!(effect, Effect::Grant(granted) if *granted == ticket)), "{class}");
            let counts_in = self.0.class_of_flight(ticket).unwrap().to_string();
            (ticket, counts_in)
        }

        fn answer(&mut self, ticket: Ticket, readings: &[(Pool, u64, u64)]) {
            let reading = |(pool, limit, remaining): &(Pool, u64, u64)| Reading {
                dimension: Dimension::OutputTokens,
                period: Some(Period::MINUTE),
                pool: *pool,
                limit: Some(*limit),
                remaining: Some(*remaining),
                full_at: None,
                grain: 1,
            };
            let snapshot = Snapshot { readings: readings.iter().map(reading).collect(), ..Snapshot::empty(now().wall, 200) };
            self.0.observe(ticket, &snapshot, now());
            self.0.settle(ticket, &Usage::default(), now());
        }

        /// Class, limit and rest of every bucket of output tokens.
        fn output(&mut self) -> Vec<(String, u64, i64)> {
            let buckets = self.0.buckets(now()).into_iter().filter(|bucket| bucket.key.dimension == Dimension::OutputTokens);
            buckets.map(|bucket| (bucket.key.class.to_string(), bucket.capacity, bucket.remaining)).collect()
        }
    }

    #[test]
    fn each_request_counts_in_its_pool() {
        for (dialect, class, text_bytes, tier, expect) in [
            (Dialect::Anthropic, "m", 100, None, "m"),
            (Dialect::Anthropic, "m", 100, Some("fast"), "m (fast)"),
            (Dialect::Anthropic, "m", 100, Some("auto"), "m"),
            (Dialect::OpenAi, "m", 100, Some("fast"), "m"),
            (Dialect::OpenAi, "m", 100, Some("priority"), "m"),
            (Dialect::OpenAi, "long", 100, None, "long"),
            (Dialect::OpenAi, "long", 1_000_000, None, "long (long context)"),
            (Dialect::OpenAi, "m", 1_000_000, None, "m"),
        ] {
            assert_eq!(Books::new(dialect).send(class, text_bytes, tier).1, expect, "{dialect:?} {class} {tier:?}");
        }
    }

    #[test]
    fn headers_of_a_pool_are_about_its_own_buckets() {
        let mut books = Books::new(Dialect::Anthropic);
        let (ticket, _) = books.send("m", 100, Some("fast"));
        books.answer(ticket, &[(Pool::Fast, 1_000, 0), (Pool::Standard, 80_000, 79_000)]);
        let (ticket, _) = books.send("m", 100, None);
        books.answer(ticket, &[(Pool::Priority, 10_000, 0), (Pool::Standard, 80_000, 79_000)]);
        let mut output: Vec<(String, u64)> = books.output().into_iter().map(|(class, limit, _)| (class, limit)).collect();
        output.sort();
        assert_eq!(output, [("m".into(), 80_000), ("m (fast)".into(), 1_000), ("m (priority)".into(), 10_000)]);
        // neither the empty fast pool nor the used-up commitment holds an ordinary request up
        books.send("m", 100, None);
    }

    #[test]
    fn a_long_prompt_takes_nothing_from_the_ordinary_bucket() {
        let mut books = Books::new(Dialect::OpenAi);
        books.send("long", 100, None);
        let before = books.0.buckets(now()).iter().find(|bucket| bucket.key.class.as_str() == "long").unwrap().remaining;
        books.send("long", 800_000, None);
        let buckets = books.0.buckets(now());
        let of = |class: &str| buckets.iter().find(|bucket| bucket.key.class.as_str() == class).unwrap();
        assert_eq!(of("long").remaining, before);
        assert_eq!(of("long (long context)").capacity, 400_000);
        assert!(of("long (long context)").remaining < 200_000);
    }
}
