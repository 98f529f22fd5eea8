//! The story of one request: only its own rows, and all of them.

use std::sync::Arc;
use std::time::Duration;

use tierline::domain::query::StoryQuery;
use tierline::domain::{
    AccountId, ClientName, Dimension, Identity, ModelClass, Oddity, Period, Pool, Reading, RefusalRecord, RequestId, ScopeKind, Snapshot,
    Verdict, VerdictKind, Whose,
};
use tierline::store::Write;

use crate::made::{Home, NOON, at};

fn snapshot(millis: i64) -> Snapshot {
    let reading = Reading {
        dimension: Dimension::OutputTokens,
        period: Some(Period::MINUTE),
        pool: Pool::Priority,
        limit: Some(8_000),
        remaining: None,
        full_at: Some(at(millis + 9_000)),
        grain: 1_000,
    };
    Snapshot {
        at: at(millis),
        status: 200,
        readings: vec![reading],
        retry_after: Some(Duration::from_millis(1_500)),
        identity: Identity { organization: Some("org".into()), ..Identity::default() },
        request_id: Some("req_1".into()),
        oddities: vec![Oddity { header: "x-odd".into(), what: "negative".into() }],
    }
}

fn refusal(request: u64, attempt: u32, millis: i64) -> RefusalRecord {
    RefusalRecord {
        at: at(millis),
        request: RequestId(request),
        attempt,
        account: AccountId(1),
        account_label: "work".into(),
        client: ClientName::new("agent"),
        class: ModelClass::new("sonnet"),
        model: None,
        status: 429,
        verdict: Verdict {
            kind: VerdictKind::Wait,
            dimension: Some(Dimension::Requests),
            period: Some(Period::MINUTE),
            limit: Some(50),
            used: None,
            requested: None,
            retry_after: Some(Duration::from_secs(3)),
            scope: Some(ScopeKind::Organization),
            whose: Whose::Account,
            reason: "reason".into(),
            advice: "advice".into(),
        },
        ledger: vec!["RPM 4 of 50".into()],
    }
}

#[test]
fn every_field_of_a_story_comes_back_and_nobody_elses() {
    let home = Home::new();
    let answered = |id, millis| Write::Answered {
        id: RequestId(id),
        account: AccountId(1),
        class: ModelClass::new("sonnet"),
        snapshot: Arc::new(snapshot(millis)),
    };
    let refused = |record: RefusalRecord| Write::Refused(Arc::new(record));
    home.write([
        refused(refusal(7, 1, NOON + 100)),
        answered(8, NOON + 150),
        refused(refusal(8, 1, NOON + 160)),
        refused(refusal(7, 2, NOON + 200)),
        answered(7, NOON + 300),
        answered(7, NOON + 3_600_000),
    ]);
    let reader = home.store.reader().unwrap();
    let story = reader.story(&StoryQuery { id: RequestId(7), from: at(NOON), to: Some(at(NOON + 400)) }).unwrap();
    assert_eq!(story.refusals, [refusal(7, 1, NOON + 100), refusal(7, 2, NOON + 200)]);
    assert_eq!(story.snapshots, [snapshot(NOON + 300)]);
    let open = reader.story(&StoryQuery { id: RequestId(7), from: at(NOON), to: None }).unwrap();
    assert_eq!(open.snapshots.len(), 2, "a request that runs has no end yet");
}
