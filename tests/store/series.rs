//! Charts say what adding up every request by hand says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tierline::domain::query::{MarkKind, Measure, PartOf, Series, SeriesQuery, Split};
use tierline::domain::{
    AccountId, BaseUrl, BucketKey, ClientName, Dimension, Fingerprint, Identity, KeyRef, LimitChange, LimitSource, ModelClass, Outcome,
    Period, Provider, RefusalRecord, RequestId, RequestRecord, Scope, ScopeKind, Snapshot, Verdict, VerdictKind, Whose,
};
use tierline::store::{AccountRow, Write};

use crate::made::{Home, NOON, Random, at, finished, record};

const MINUTE: i64 = 60_000;
const DAY: i64 = 1_440 * MINUTE;
const MEASURES: [Measure; 8] = [
    Measure::Requests,
    Measure::InputTokens,
    Measure::OutputTokens,
    Measure::Tokens,
    Measure::WaitMillis,
    Measure::CostNanos,
    Measure::TokensPerRequest,
    Measure::Retries,
];

/// When a request counts: when it was sent.
fn sent(r: &RequestRecord) -> i64 {
    r.arrived_at.as_millisecond() + i64::try_from(r.wait_millis).unwrap()
}

fn amount(measure: Measure, r: &RequestRecord) -> u64 {
    match measure {
        Measure::Requests => u64::from(r.attempts > 0),
        Measure::InputTokens => r.counted_input,
        Measure::OutputTokens => r.counted_output,
        Measure::Tokens | Measure::TokensPerRequest => r.counted_input + r.counted_output,
        Measure::WaitMillis => r.wait_millis,
        Measure::CostNanos => r.cost_nanos.unwrap_or(0),
        Measure::Retries => u64::from(r.attempts.saturating_sub(1)),
        Measure::Refusals | Measure::RefusedShare => 0,
    }
}

/// The chart, added up from the requests: for each step its value and its highest minute.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn by_hand(records: &[RequestRecord], query: &SeriesQuery, series: &Series) -> BTreeMap<i64, (f64, f64)> {
    let step = i64::from(series.step_secs) * 1_000;
    let mut minutes = BTreeMap::<i64, (u64, u64)>::new();
    for r in records {
        if query.account.is_none_or(|a| a == r.account) && query.class.as_ref().is_none_or(|c| *c == r.class) {
            let minute = minutes.entry(sent(r).div_euclid(MINUTE) * MINUTE).or_default();
            let over = if query.measure == Measure::TokensPerRequest { u64::from(r.attempts > 0) } else { 1 };
            *minute = (minute.0 + amount(query.measure, r), minute.1 + over);
        }
    }
    series
        .points
        .iter()
        .map(|[start, _]| {
            #[expect(clippy::cast_possible_truncation, reason = "whole seconds")]
            let start = *start as i64 * 1_000;
            let inside = minutes.range(start..start + step).map(|(_, minute)| *minute).collect::<Vec<_>>();
            let total = inside.iter().map(|m| m.0).sum::<u64>() as f64;
            let value = match query.measure {
                Measure::WaitMillis | Measure::TokensPerRequest => total / inside.iter().map(|m| m.1).sum::<u64>().max(1) as f64,
                _ => total * MINUTE as f64 / step as f64,
            };
            (start / 1_000, (value, inside.iter().map(|m| m.0).max().unwrap_or(0) as f64))
        })
        .collect()
}

#[test]
fn every_chart_agrees_with_adding_up_by_hand() {
    let home = Home::new();
    let mut random = Random(3);
    let records = (1..=6_000).map(|id| random.record(id, NOON - 9 * DAY, 9 * 86_400_000)).collect::<Vec<_>>();
    home.write(records.iter().map(finished));
    let reader = home.store.reader().unwrap();
    let whose = [
        (None, None),
        (Some(AccountId(2)), None),
        (None, Some(ModelClass::new("opus"))),
        (Some(AccountId(1)), Some(ModelClass::new("sonnet"))),
        (Some(AccountId(9)), None),
    ];
    // whole steps, so that no last step is cut short: minutes, five minutes, hours, days
    for (from, to, max_points, step_secs) in [
        (NOON - DAY, NOON - DAY + 60 * MINUTE, 60, 60),
        (NOON - DAY, NOON, 288, 300),
        (NOON - 4 * DAY, NOON, 96, 3_600),
        (NOON - NOON % DAY - 12 * DAY, NOON - NOON % DAY, 12, 86_400),
    ] {
        for measure in MEASURES {
            for (account, class) in whose.clone() {
                let query = SeriesQuery { measure, account, class, split: None, from: at(from), to: at(to), max_points };
                let series = reader.series(&query).unwrap();
                assert_eq!((series.step_secs, series.points.len()), (step_secs, max_points as usize), "{query:?}");
                let expected = by_hand(&records, &query, &series);
                for (point, (start, (value, peak))) in series.points.iter().zip(&expected) {
                    #[expect(clippy::cast_precision_loss, reason = "seconds")]
                    let start = *start as f64;
                    assert!((point[0] - start).abs() < 0.5 && (point[1] - value).abs() <= value * 1e-9, "{query:?}: {point:?}, {value}");
                    if let Some(found) = series.peaks.iter().find(|found| (found[0] - start).abs() < 0.5) {
                        assert!((found[1] - peak).abs() <= peak * 1e-9, "{query:?}: {found:?}, {peak}");
                    }
                }
                assert_eq!(series.peaks.is_empty(), !measure.adds_up() || measure == Measure::Retries);
            }
        }
    }
}

#[test]
fn a_chart_of_minutes_is_the_minute_before_each_second() {
    let home = Home::new();
    let mut random = Random(11);
    let records = (1..=2_000).map(|id| random.record(id, NOON - 40 * MINUTE, 40 * 60_000)).collect::<Vec<_>>();
    home.write(records.iter().map(finished));
    let reader = home.store.reader().unwrap();
    for (length, max_points, step_secs) in [(5, 800, 1), (5, 200, 2), (15, 200, 5), (15, 100, 10)] {
        for measure in MEASURES {
            for account in [None, Some(AccountId(2))] {
                let (from, to) = (NOON - 20 * MINUTE, NOON - (20 - length) * MINUTE);
                let query = SeriesQuery { measure, account, class: None, split: None, from: at(from), to: at(to), max_points };
                let series = reader.series(&query).unwrap();
                assert!(series.trailing && series.step_secs == step_secs && series.peaks.is_empty(), "{query:?}");
                for [start, value] in series.points {
                    #[expect(clippy::cast_possible_truncation, reason = "whole seconds")]
                    let end = start as i64 * 1_000 + i64::from(step_secs) * 1_000;
                    let of_minute = |r: &&RequestRecord| (end - MINUTE..end).contains(&sent(r)) && account.is_none_or(|a| a == r.account);
                    let inside: Vec<&RequestRecord> = records.iter().filter(of_minute).collect();
                    let total: u64 = inside.iter().map(|r| amount(measure, r)).sum();
                    let over = match measure {
                        Measure::WaitMillis => inside.len(),
                        Measure::TokensPerRequest => inside.iter().filter(|r| r.attempts > 0).count(),
                        _ => 1,
                    };
                    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
                    let expected = total as f64 / over.max(1) as f64;
                    assert!((value - expected).abs() <= expected * 1e-9, "{query:?} at {start}: {value}, {expected}");
                }
            }
        }
    }
    let query = |length, max_points| SeriesQuery {
        measure: Measure::Tokens,
        account: None,
        class: None,
        split: Some(Split::Client),
        from: at(NOON - length * MINUTE),
        to: at(NOON),
        max_points,
    };
    let divided = reader.series(&query(5, 300)).unwrap();
    let all: f64 = divided.points.iter().map(|p| p[1]).sum();
    let parts: f64 = divided.parts.iter().flat_map(|part| &part.values).sum();
    assert!(divided.parts.len() > 1 && (all - parts).abs() < 1e-3, "{all} {parts}");
    for minutes in [query(16, 900), query(5, 99)] {
        assert!(!reader.series(&minutes).unwrap().trailing, "{minutes:?}");
    }
}

#[test]
fn a_limit_that_is_measured_for_the_first_time_is_no_change_of_tier() {
    let home = Home::new();
    let changed = |minutes: i64, old, new, source| {
        let scope = Scope::account(Provider::Anthropic, "work");
        Write::LimitChanged(Arc::new(LimitChange {
            at: at(NOON + minutes * MINUTE),
            bucket: BucketKey { scope, class: ModelClass::new("sonnet"), dimension: Dimension::Requests, period: Period::MINUTE },
            old,
            old_source: None,
            new,
            source,
        }))
    };
    home.write([
        changed(0, None, 1_000, LimitSource::Catalog { as_of: "2026-09-02".parse().unwrap() }),
        changed(1, Some(1_000), 50, LimitSource::Header),
        changed(9, Some(50), 1_000, LimitSource::Header),
    ]);
    let query = SeriesQuery {
        measure: Measure::Requests,
        account: None,
        class: None,
        split: None,
        from: at(NOON - MINUTE),
        to: at(NOON + 60 * MINUTE),
        max_points: 100,
    };
    let marks: Vec<_> = home.store.reader().unwrap().series(&query).unwrap().marks.into_iter().map(|m| (m.kind, m.text)).collect();
    assert_eq!(
        marks,
        [
            (MarkKind::Measured, "RPM of sonnet: 50 measured, 1000 assumed before".to_owned()),
            (MarkKind::Limit, "RPM of sonnet: 1000, it was 50".to_owned()),
        ]
    );
}

/// The parts of a chart and what they leave of it.
fn parts(home: &Home, split: Split, measure: Measure) -> (Vec<PartOf>, f64) {
    let of = (Some(AccountId(1)), Some(ModelClass::new("sonnet")));
    let query =
        SeriesQuery { measure, account: of.0, class: of.1, split: Some(split), from: at(NOON - 2 * DAY), to: at(NOON), max_points: 48 };
    let series = home.store.reader().unwrap().series(&query).unwrap();
    let all: f64 = series.points.iter().map(|p| p[1]).sum();
    let divided: f64 = series.parts.iter().flat_map(|part| &part.values).sum();
    (series.parts, all - divided)
}

#[test]
fn the_parts_of_a_chart_add_up_to_it_also_for_rows_from_before_there_were_parts() {
    let home = Home::new();
    let mut random = Random(5);
    let records = (1..=3_000).map(|id| random.record(id, NOON - 2 * DAY, 2 * 86_000_000)).collect::<Vec<_>>();
    home.write(records.iter().map(finished));
    let (by_client, rest) = parts(&home, Split::Client, Measure::Tokens);
    assert!(by_client.len() > 1 && rest.abs() < 1e-3, "{rest}");
    let (by_model, rest) = parts(&home, Split::Model, Measure::Requests);
    assert!(by_model.len() > 1 && rest.abs() < 1e-6, "{rest}");
    assert_eq!(parts(&home, Split::Model, Measure::WaitMillis).0, [], "averages do not add up");

    // as a database looks right after the migration that made the tables
    let raw = rusqlite::Connection::open(home.dir.database()).unwrap();
    raw.execute_batch(
        "DELETE FROM part_minute; DELETE FROM part_hour; DELETE FROM part_day;
         INSERT INTO settings (key, value) VALUES ('store.parts_requests', '3000'), ('store.parts_refusals', '9')",
    )
    .unwrap();
    home.write([finished(&RequestRecord { client: ClientName::new("new"), attempts: 1, ..random.record(3_001, NOON - DAY, 1) })]);
    let (before, _) = parts(&home, Split::Client, Measure::Tokens);
    assert!(before.len() <= 1, "{before:?}");
    let mut steps = 0;
    while home.store.fill_parts().unwrap() {
        steps += 1;
    }
    assert_eq!(steps, 3_000 / 500 + 2, "a step for each five hundred, and one for each table to find its end");
    let (again, rest) = parts(&home, Split::Client, Measure::Tokens);
    assert!(again.iter().filter(|part| part.name != "new").eq(&by_client) && rest.abs() < 1e-3, "{rest}");
}

#[test]
fn refusals_are_counted_by_attempt() {
    let home = Home::new();
    let refused = |at_millis: i64| {
        Write::Refused(Arc::new(RefusalRecord {
            at: at(at_millis),
            request: RequestId(1),
            attempt: 1,
            account: AccountId(1),
            account_label: "work".into(),
            client: ClientName::new("agent"),
            class: ModelClass::new("sonnet"),
            model: None,
            status: 429,
            verdict: Verdict {
                kind: VerdictKind::Wait,
                dimension: None,
                period: None,
                limit: None,
                used: None,
                requested: None,
                retry_after: Some(Duration::from_secs(1)),
                scope: None,
                whose: Whose::Account,
                reason: String::new(),
                advice: String::new(),
            },
            ledger: Vec::new(),
        }))
    };
    let end = RequestRecord { outcome: Outcome::Refused, attempts: 3, ..record(1, NOON) };
    home.write([refused(NOON), refused(NOON + 1), refused(NOON + MINUTE), finished(&end)]);
    let query = SeriesQuery {
        measure: Measure::Refusals,
        account: None,
        class: None,
        split: None,
        from: at(NOON),
        to: at(NOON + 2 * MINUTE),
        max_points: 10,
    };
    let series = home.store.reader().unwrap().series(&query).unwrap();
    assert_eq!(series.points.iter().map(|p| p[1]).collect::<Vec<_>>(), [2.0, 1.0]);
}

#[test]
fn a_step_that_has_only_begun_is_not_drawn_as_a_fall() {
    let home = Home::new();
    // ten requests a minute, up to the middle of an hour
    home.write((0..900).map(|n| finished(&record(n + 1, NOON - 60 * MINUTE + i64::try_from(n).unwrap() * 6_000))));
    let query = SeriesQuery {
        measure: Measure::Requests,
        account: None,
        class: None,
        split: None,
        from: at(NOON - 60 * MINUTE),
        to: at(NOON + 30 * MINUTE),
        max_points: 2,
    };
    let series = home.store.reader().unwrap().series(&query).unwrap();
    assert_eq!(series.points.iter().map(|p| p[1]).collect::<Vec<_>>(), [10.0, 10.0]);
}

#[test]
fn an_empty_range_has_no_points() {
    let home = Home::new();
    let reader = home.store.reader().unwrap();
    for (from, to, max_points) in [(NOON, NOON, 10), (NOON, NOON - 1, 10), (NOON, NOON + MINUTE, 0)] {
        let query =
            SeriesQuery { measure: Measure::Tokens, account: None, class: None, split: None, from: at(from), to: at(to), max_points };
        assert_eq!(reader.series(&query).unwrap(), Series::default());
    }
}

#[test]
fn limits_are_those_of_the_scopes_that_an_account_was_seen_in() {
    let home = Home::new();
    let account = home
        .store
        .add_account(AccountRow {
            provider: Provider::Anthropic,
            label: "work".into(),
            base_url: BaseUrl::parse("https://api.anthropic.com").unwrap(),
            fingerprint: Fingerprint::from_stored("0123456789ab"),
            key: KeyRef::Env { variable: "ANTHROPIC_API_KEY".into() },
            created_at: at(NOON),
        })
        .unwrap();
    let mut snapshot = Snapshot::empty(at(NOON), 200);
    snapshot.identity = Identity { organization: Some("org-1".into()), ..Identity::default() };
    let changed = |minutes: i64, scope: Scope, dimension, new| {
        Write::LimitChanged(Arc::new(LimitChange {
            at: at(NOON + minutes * MINUTE),
            bucket: BucketKey { scope, class: ModelClass::new("sonnet"), dimension, period: Period::MINUTE },
            old: None,
            old_source: None,
            new,
            source: LimitSource::Header,
        }))
    };
    let own = || Scope::account(Provider::Anthropic, "work");
    let org = |id: &str| Scope { provider: Provider::Anthropic, kind: ScopeKind::Organization, id: id.into() };
    home.write([
        Write::Answered { id: RequestId(1), account: account.id, class: ModelClass::new("sonnet"), snapshot: Arc::new(snapshot) },
        changed(-20, own(), Dimension::Requests, 5),
        changed(-10, own(), Dimension::Requests, 50),
        changed(5, org("org-1"), Dimension::Requests, 1_000),
        changed(6, org("org-2"), Dimension::Requests, 7),
        changed(7, org("org-1"), Dimension::InputTokens, 30_000),
        changed(90, org("org-1"), Dimension::Requests, 2_000),
    ]);
    let reader = home.store.reader().unwrap();
    let limits = |measure, class: Option<&str>| {
        let query = SeriesQuery {
            measure,
            account: Some(account.id),
            class: class.map(ModelClass::new),
            split: None,
            from: at(NOON),
            to: at(NOON + 60 * MINUTE),
            max_points: 100,
        };
        reader.series(&query).unwrap().limits.into_iter().map(|[at, limit]| (at - 1_795_521_600.0, limit)).collect::<Vec<_>>()
    };
    assert_eq!(limits(Measure::Requests, Some("sonnet")), [(0.0, 50.0), (300.0, 1_000.0)]);
    assert_eq!(limits(Measure::InputTokens, Some("sonnet")), [(420.0, 30_000.0)]);
    assert_eq!(limits(Measure::CostNanos, Some("sonnet")), []);
    assert_eq!(limits(Measure::Requests, None), []);
}
