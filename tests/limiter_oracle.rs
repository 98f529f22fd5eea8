//! The plain case of a bucket (requests, refilled all the time, nothing given back) against `governor`, which does only that.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::FakeRelativeClock;
use governor::{Quota, RateLimiter};
use jiff::Timestamp;
use tierline::domain::{Dimension, Limit, LimitSource, Now, Tick, Window};
use tierline::limiter::bucket::{Bucket, Ready};
use tierline::limiter::random::Random;

fn at(nanos: u64) -> Now {
    Now { tick: Tick::from_nanos(nanos), wall: Timestamp::UNIX_EPOCH }
}

#[test]
fn a_plain_bucket_decides_as_governor_does() {
    // below twenty nothing is kept free; each of these divides a minute into whole nanoseconds
    for capacity in [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 16] {
        for seed in 0..40 {
            let mut random = Random::new(seed);
            let clock = FakeRelativeClock::default();
            let burst = NonZeroU32::new(capacity).expect("not zero");
            let quota = Quota::with_period(Duration::from_secs(60) / capacity).expect("not zero").allow_burst(burst);
            let oracle = RateLimiter::direct_with_clock(quota, clock.clone());
            let limit =
                Limit { dimension: Dimension::Requests, window: Window::PER_MINUTE, capacity: capacity.into(), source: LimitSource::Admin };
            let mut bucket = Bucket::new(limit, at(0));
            bucket.burst_mut().trust();
            let mut nanos = 0;
            for step in 0..400 {
                let wait = random.below(2 * 60_000_000_000 / u64::from(capacity));
                nanos += wait;
                clock.advance(Duration::from_nanos(wait));
                bucket.refill(at(nanos));
                let allowed = bucket.ready(1, at(nanos)) == Ready::Now;
                assert_eq!(allowed, oracle.check().is_ok(), "{capacity} a minute, seed {seed}, step {step}");
                if allowed {
                    bucket.take(1, 0, at(nanos));
                }
            }
        }
    }
}
