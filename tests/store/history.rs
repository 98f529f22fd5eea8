//! What is written is read back: requests, buckets, what was learned, which models are in use; and what is old is forgotten.

use std::sync::Arc;

use tierline::domain::budget::Spent;
use tierline::domain::query::RequestsQuery;
use tierline::domain::view::BucketView;
use tierline::domain::{
    AccountId, BucketKey, Certainty, Dimension, LimitSource, ModelClass, ModelId, Outcome, Period, Provider, Refill, RequestRecord, Scope,
};
use tierline::store::{Reader, Write};

use crate::made::{Home, NOON, Random, at, finished, record};

const DAY: i64 = 86_400_000;

/// Every request, a page at a time, oldest first.
pub(crate) fn all_requests(reader: &Reader, account: Option<AccountId>) -> Vec<RequestRecord> {
    let mut all = Vec::<RequestRecord>::new();
    loop {
        let before = all.last().map(|r| r.id.0);
        let page = reader.requests(&RequestsQuery { account, before, limit: 700 }).unwrap();
        if page.is_empty() {
            all.reverse();
            return all;
        }
        all.extend(page);
    }
}

#[test]
fn every_field_of_a_request_comes_back() {
    let home = Home::new();
    let mut random = Random(1);
    let records = (1..=3_000).map(|id| random.record(id, NOON, 3_600_000)).collect::<Vec<_>>();
    home.write(records.iter().map(finished));
    let reader = home.store.reader().unwrap();
    assert!(all_requests(&reader, None) == records);
    for account in [1, 2, 3].map(AccountId) {
        let theirs = records.iter().filter(|r| r.account == account).cloned().collect::<Vec<_>>();
        assert!(all_requests(&reader, Some(account)) == theirs);
    }
    assert_eq!(reader.next_request_id().unwrap(), 3_001);
    assert_eq!(home.store.health().written, 3_000);
}

#[test]
fn the_same_request_twice_counts_once() {
    let home = Home::new();
    home.write([finished(&record(7, NOON)), finished(&record(7, NOON))]);
    let reader = home.store.reader().unwrap();
    assert_eq!(all_requests(&reader, None).len(), 1);
    assert_eq!(reader.models_used(at(NOON)).unwrap()[0].requests, 1);
}

#[test]
fn nonsense_from_an_answer_does_not_stop_the_history() {
    let home = Home::new();
    let mut huge = record(1, NOON);
    huge.usage.input = u64::MAX;
    huge.usage.cache_read = u64::MAX;
    huge.counted_input = u64::MAX;
    huge.counted_output = u64::MAX;
    huge.cost_nanos = Some(u64::MAX);
    huge.wait_millis = u64::MAX;
    home.write([finished(&huge), finished(&RequestRecord { id: tierline::domain::RequestId(2), ..huge.clone() })]);
    home.write([finished(&record(3, NOON))]);
    assert_eq!(all_requests(&home.store.reader().unwrap(), None).len(), 3);
    assert_eq!(home.store.health().dropped, 0);
}

#[test]
fn buckets_and_what_was_learned_are_found_again() {
    let home = Home::new();
    let view = |capacity| BucketView {
        key: BucketKey {
            scope: Scope::account(Provider::OpenAi, "work"),
            class: ModelClass::new("gpt-5"),
            dimension: Dimension::Tokens,
            period: Period::MINUTE,
        },
        meter: "TPM".into(),
        accounts: vec!["work".into()],
        refill: Refill::Continuous,
        capacity,
        source: LimitSource::Header,
        used: 10,
        held: 4,
        remaining: -3,
        full_at: Some(at(NOON)),
        frozen_until: None,
        own_per_minute: 0.5,
        foreign_per_minute: 0.0,
        confirmed_at: Some(at(NOON)),
        binding: true,
        waiting: 2,
        beliefs: Vec::new(),
    };
    let learned = |value| Write::Learned { key: "openai/charge".into(), value, at: at(NOON) };
    home.write([
        Write::Buckets { at: at(NOON - 1), views: Arc::new(vec![view(1)]) },
        Write::Buckets { at: at(NOON), views: Arc::new(vec![view(2)]) },
        learned(serde_json::json!({"rule": "max"})),
        learned(serde_json::json!({"rule": "actual"})),
    ]);
    let reader = home.store.reader().unwrap();
    let buckets = reader.buckets().unwrap();
    assert_eq!(buckets.len(), 1);
    assert_eq!((&buckets[0].view, buckets[0].saved_at), (&view(2), at(NOON)));
    let learned = reader.learned().unwrap();
    assert_eq!(learned.len(), 1);
    assert_eq!(learned[0].value, serde_json::json!({"rule": "actual"}));
}

#[test]
fn models_are_counted_by_the_name_that_was_asked_for() {
    let home = Home::new();
    let asked = |id, arrived, model: &str| RequestRecord { model_asked: Some(ModelId::new(model)), ..record(id, arrived) };
    home.write([
        finished(&asked(1, NOON - 40 * DAY, "old")),
        finished(&asked(2, NOON - 3 * DAY, "old")),
        finished(&asked(3, NOON - 2 * DAY, "new")),
        finished(&asked(4, NOON, "new")),
        finished(&RequestRecord { model_asked: None, ..record(5, NOON) }),
    ]);
    let used = home.store.reader().unwrap().models_used(at(NOON - 30 * DAY)).unwrap();
    let used = used.iter().map(|u| (u.model.as_str(), u.requests, u.last_at)).collect::<Vec<_>>();
    assert_eq!(used, [("new", 2, at(NOON)), ("old", 1, at(NOON - 3 * DAY))]);
}

#[test]
fn pruning_forgets_rows_and_keeps_the_long_charts() {
    let home = Home::new();
    let old = (1..=2_500).map(|id| finished(&record(id, NOON - 100 * DAY + i64::try_from(id).unwrap() * 1_000)));
    home.write(old);
    home.write((2_501..=2_600).map(|id| finished(&record(id, NOON))));
    let reader = home.store.reader().unwrap();
    let series = |from: i64, to: i64| {
        use tierline::domain::query::{Measure, SeriesQuery};
        let query = SeriesQuery {
            measure: Measure::Requests,
            account: None,
            class: None,
            split: None,
            from: at(from),
            to: at(to),
            max_points: 400,
        };
        let series = reader.series(&query).unwrap();
        let requests: f64 = series.points.iter().map(|p| p[1]).sum::<f64>() * f64::from(series.step_secs) / 60.0;
        (series.step_secs, requests.round())
    };
    // 42 minutes of requests, once from minutes; after pruning from hours, with the same total
    let two_hours = (NOON - 100 * DAY, NOON - 100 * DAY + 2 * 3_600_000);
    assert_eq!(series(two_hours.0, two_hours.1), (60, 2_500.0));
    let deleted = home.store.prune(at(NOON - 30 * DAY)).unwrap();
    assert!(deleted > 2_500, "{deleted}");
    assert_eq!(all_requests(&reader, None).len(), 100);
    assert_eq!(series(two_hours.0, two_hours.1), (3_600, 2_500.0));
    assert_eq!(series(NOON - 3_600_000, NOON + 3_600_000), (60, 100.0));
    assert_eq!(home.store.prune(at(NOON - 30 * DAY)).unwrap(), 0);
}

#[test]
fn the_recorded_load_is_summed_up_by_model() {
    let home = Home::new();
    let mut records: Vec<RequestRecord> = (0..20).map(|n| record(n + 1, NOON + i64::try_from(n).unwrap() * 6_000)).collect();
    for (n, request) in (1..=20_u64).zip(&mut records) {
        request.usage.output = n;
        request.usage.cache_read = 100;
    }
    // too early, and not answered
    records.push(record(21, NOON - DAY));
    records.push(RequestRecord { outcome: tierline::domain::Outcome::Refused, ..record(22, NOON) });
    home.write(records.iter().map(finished));
    let loads = home.store.reader().unwrap().recorded_load(at(NOON)).unwrap();
    assert_eq!(loads.len(), 1);
    let load = &loads[0];
    assert_eq!((load.model.as_str(), load.requests, load.busiest_minute), ("claude-sonnet-4-5", 20, 10));
    assert_eq!((load.input.mean, load.output.p50, load.output.p95, load.latency_millis.p50), (200, 10, 19, 1_000));
    assert!((load.cached_share - 0.5).abs() < 1e-9);
}

#[test]
fn what_was_spent_is_the_sum_of_what_ended_since() {
    let home = Home::new();
    let mut random = Random(5);
    let mut records = (1..=3_000).map(|id| random.record(id, NOON, 6 * 3_600_000)).collect::<Vec<_>>();
    for record in records.iter_mut().step_by(7) {
        // on their way over the turn of an hour
        record.wait_millis = 900_000;
        record.finished_at = record.arrived_at + std::time::Duration::from_secs(2_400);
    }
    home.write(records.iter().map(finished));
    let reader = home.store.reader().unwrap();
    for since in [NOON - 7 * 3_600_000, NOON - 3_600_000, NOON, NOON + 1, NOON + 1_800_000, NOON + 3 * 3_600_000 + 45_123, NOON + DAY] {
        for account in [None, Some(AccountId(1)), Some(AccountId(3))] {
            let ended = records.iter().filter(|r| r.finished_at >= at(since) && account.is_none_or(|id| r.account == id));
            // what names no model and is answered by none has no price to be known
            let has_model = |r: &&RequestRecord| r.model_asked.is_some() || r.usage.model.is_some();
            let unpriced = ended.clone().filter(has_model);
            let unpriced =
                unpriced.filter(|r| r.cost_nanos.is_none() && r.outcome == Outcome::Ok && r.usage.certainty != Certainty::Unknown);
            let expect = Spent { nanos: ended.clone().filter_map(|r| r.cost_nanos).sum(), unpriced: unpriced.count() as u64 };
            assert_eq!(reader.spent(account, at(since)).unwrap(), expect, "{account:?} since {since}");
        }
    }
}
