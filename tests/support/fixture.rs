//! A moment in the life of the app, made by hand: four providers, work in every state, one thing to worry about.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, ToSpan, civil::date};
use tierline::domain::command::FoundKey;
use tierline::domain::dimension::{Dimension, Meter, Period, Refill, Zone};
use tierline::domain::event::Arrival;
use tierline::domain::query::{Mark, MarkKind, PartOf, Series, Story};
use tierline::domain::view::{Belief, BucketView, ModelView, ModelsView, PriceView, ProbeOffer, Sureness, WaitingView};
use tierline::domain::{
    Account, AccountId, Api, BaseUrl, BucketKey, Certainty, ClientName, Clock, Dialect, Fingerprint, KeyRef, Lane, LimitSource, ModelClass,
    ModelId, Notice, Now, Outcome, Pool, Provider, Reading, RefusalRecord, RequestId, RequestRecord, Scope, ScopeKind, Severity, Snapshot,
    Tick, Usage, Verdict, VerdictKind, Whose,
};
use tierline::journal::Trend;
use tierline::journal::live::{AccountView, LiveView, NextTier, RunningView, Totals};

/// When everything here happens.
pub(crate) fn now() -> Timestamp {
    "2026-11-24T14:05:09.4Z".parse().expect("a time")
}

/// A clock that stands at [`now`].
pub(crate) struct Standing;

impl Clock for Standing {
    fn now(&self) -> Now {
        Now { tick: Tick::ZERO, wall: now() }
    }
}

/// Nothing stored yet, two keys in the environment.
pub(crate) fn first_run() -> LiveView {
    let key = |variable: &str, provider, fingerprint: &str| FoundKey {
        variable: variable.into(),
        provider,
        fingerprint: Fingerprint::from_stored(fingerprint),
        known: false,
    };
    LiveView {
        gateway: Ok("http://127.0.0.1:4140".into()),
        vault: Ok("GNOME Keyring".into()),
        found_keys: Arc::new(vec![
            key("ANTHROPIC_API_KEY", Provider::Anthropic, "9f2c41d07ab3"),
            key("OPENAI_API_KEY", Provider::OpenAi, "03be77f1c2d9"),
        ]),
        ..LiveView::new(now())
    }
}

/// A busy afternoon.
pub(crate) fn busy() -> LiveView {
    let requests = recent();
    LiveView {
        gateway: Ok("http://127.0.0.1:4140".into()),
        vault: Ok("GNOME Keyring".into()),
        accounts: Arc::new(accounts()),
        tokens: Arc::new(vec![
            (ClientName::new("claude-code"), ago(86_400 * 3)),
            (ClientName::new("notebook"), ago(3_600 * 5)),
            (ClientName::new("nightly-evaluation-of-the-summariser"), ago(86_400 * 40)),
        ]),
        buckets: Arc::new(buckets()),
        trends: Arc::new(buckets().iter().map(|bucket| (bucket.key.clone(), trend(bucket))).collect()),
        waiting: Arc::new(waiting()),
        running: running(),
        refused_at: requests.iter().filter(|r| r.outcome == Outcome::Refused).map(|r| r.finished_at).collect(),
        recent: requests,
        notices: notices(),
        totals: Totals {
            finished: 1_284,
            ok: 1_271,
            upstream_refusals: 2,
            local_refusals: 1,
            input_tokens: 5_204_118,
            output_tokens: 482_390,
            waited_millis: 1_830_000,
            retries: 3,
            cost_nanos: 15_232_000_000,
            lost_events: 0,
        },
        ..LiveView::new(now())
    }
}

/// The same afternoon with nobody waiting and nothing to worry about.
pub(crate) fn calm() -> LiveView {
    let buckets = buckets().into_iter().map(|b| BucketView { waiting: 0, frozen_until: None, ..b }).collect();
    LiveView { waiting: Arc::default(), notices: Vec::new(), buckets: Arc::new(buckets), ..busy() }
}

/// An hour of output tokens against a limit that was raised in the middle.
pub(crate) fn series() -> Series {
    let start = f64::from(u32::try_from(ago(3_600).as_second()).expect("before 2106"));
    let wave = |i: f64| 3_300.0 + 2_300.0 * (i / 9.0).sin() + 900.0 * (i / 2.3).cos() * (i / 17.0).sin();
    let points: Vec<[f64; 2]> = (0..120).map(|i| [start + f64::from(i) * 30.0, wave(f64::from(i)).max(0.0)]).collect();
    let peaks = points.iter().map(|p| [p[0], p[1] * 1.18 + 150.0]).collect();
    let limits = vec![[start, 8_000.0], [start + 1_500.0, 10_000.0]];
    let mark = Mark { at: start + 1_500.0, kind: MarkKind::Limit, text: "OTPM of claude-sonnet-5-5: 10000, it was 8000".into() };
    Series { step_secs: 30, points, peaks, limits, marks: vec![mark], ..Series::default() }
}

/// The same hour, divided by client.
pub(crate) fn divided() -> Series {
    let whole = series();
    let part = |name: &str, share: fn(f64) -> f64| PartOf {
        name: name.into(),
        values: (0_u32..).zip(&whole.points).map(|(i, p)| p[1] * share(f64::from(i))).collect(),
    };
    let parts = vec![
        part("claude-code", |i| 0.5 + 0.2 * (i / 11.0).sin()),
        part("notebook", |i| 0.2 - 0.1 * (i / 11.0).sin()),
        part("nightly-evaluation-of-the-summariser", |i| if i > 70.0 { 0.15 } else { 0.0 }),
    ];
    Series { parts, ..whole }
}

/// A catalogue of three.
pub(crate) fn models() -> ModelsView {
    let model = |provider, id: &str, state, severity, ends: Option<&str>, replacement: Option<&str>, price: Option<[u64; 3]>| ModelView {
        provider,
        id: id.into(),
        title: None,
        class: ModelClass::new(id),
        state,
        severity,
        released: None,
        not_before: None,
        ends: ends.map(Into::into),
        replacement: replacement.map(ModelId::new),
        remarks: Vec::new(),
        price: price.map(|[input, cached, output]| PriceView {
            input: Some(input),
            cache_read: Some(cached),
            output: Some(output),
            evidence: "official, example.com/pricing, as of 2026-11-02".into(),
        }),
        limits: Vec::new(),
        tiers: Vec::new(),
        evidence: "official, example.com/models, as of 2026-11-20".into(),
    };
    let (sonnet, mini) = ([3_000_000_000, 300_000_000, 15_000_000_000], [150_000_000, 75_000_000, 600_000_000]);
    ModelsView {
        as_of: Some(date(2026, 11, 20)),
        models: vec![
            model(Dialect::Anthropic, "claude-sonnet-5-5", "active", Severity::Info, None, None, Some(sonnet)),
            model(
                Dialect::OpenAi,
                "gpt-4o-mini-2024-07-18",
                "retiring",
                Severity::Warning,
                Some("2027-01-14"),
                Some("gpt-6-luna"),
                Some(mini),
            ),
            model(
                Dialect::DeepSeek,
                "deepseek-chat",
                "retired",
                Severity::Error,
                Some("2026-07-24 15:59 UTC"),
                Some("deepseek-flash"),
                None,
            ),
        ],
    }
}

/// A refusal for requests a minute.
pub(crate) fn verdict() -> Verdict {
    Verdict {
        kind: VerdictKind::Wait,
        dimension: Some(Dimension::Requests),
        period: Some(Period::MINUTE),
        limit: Some(30),
        used: Some(30),
        requested: Some(1),
        retry_after: Some(Duration::from_secs(20)),
        scope: Some(ScopeKind::Project),
        whose: Whose::Account,
        reason: "the requests of this minute are used up".into(),
        advice: "Wait 20 s and send the same request again".into(),
    }
}

/// What is stored of request 1987: a refused attempt, and the headers of its answer.
pub(crate) fn story() -> Story {
    let reading = |dimension, limit, remaining, full_in| Reading {
        dimension,
        period: Some(Period::MINUTE),
        pool: Pool::Standard,
        limit: Some(limit),
        remaining: Some(remaining),
        full_at: Some(ahead(full_in)),
        grain: 1,
    };
    let refusal = RefusalRecord {
        at: ago(44),
        request: RequestId(1_987),
        attempt: 1,
        account: AccountId(4),
        account_label: "gemini free".into(),
        client: ClientName::new("notebook"),
        class: ModelClass::new("gemini-3.8-flash"),
        model: Some(ModelId::new("gemini-3.8-flash")),
        status: 429,
        verdict: verdict(),
        ledger: vec![
            "RPM: 26 available, 1 held of 30 (user), foreign 0/min, burst 30".into(),
            "TPM: 47520 available, 900 held of 60000 (user), foreign 0/min, burst 15000".into(),
        ],
    };
    let snapshot = Snapshot {
        readings: vec![reading(Dimension::Requests, 30, 0, 20), reading(Dimension::Tokens, 60_000, 31_200, 31)],
        retry_after: Some(Duration::from_secs(20)),
        ..Snapshot::empty(ago(44), 429)
    };
    Story { snapshots: vec![snapshot], refusals: vec![refusal] }
}

fn ago(secs: i64) -> Timestamp {
    now() - SignedDuration::from_secs(secs)
}

fn ahead(secs: i64) -> Timestamp {
    now() + SignedDuration::from_secs(secs)
}

fn scope(provider: Provider, kind: ScopeKind, id: &str) -> Scope {
    Scope { provider, kind, id: id.into() }
}

fn anthropic() -> Scope {
    scope(Provider::Anthropic, ScopeKind::Organization, "8f0c2e1a-44b7-4d1e-9d0c-5b7e0f6a2c11")
}

fn accounts() -> Vec<AccountView> {
    let account = |id,
                   provider: Provider,
                   label: &str,
                   url: &str,
                   fingerprint: &str,
                   scope,
                   shares: &[&str],
                   stopped: Option<&str>,
                   tier: Option<&str>| {
        AccountView {
            account: Account {
                id: AccountId(id),
                provider,
                label: label.into(),
                base_url: BaseUrl::parse(url).expect("a base URL"),
                fingerprint: Fingerprint::from_stored(fingerprint),
                key: KeyRef::Keyring { entry: format!("account-{id}") },
                created_at: ago(86_400 * 30),
            },
            scope,
            shares_with: shares.iter().map(ToString::to_string).collect(),
            stopped: stopped.map(Into::into),
            tier: tier.map(Into::into),
            next_tier: tier.map(|_| NextTier {
                title: "Tier 2".into(),
                takes: "$40 paid".into(),
                gives: vec!["OTPM of claude-sonnet-5-5: 90000".into()],
            }),
            probe: ProbeOffer {
                what: vec!["GET /v1/models: proves the key; free".into()],
                cost_nanos: Some(if provider == Provider::Gemini { 0 } else { 1_500 }),
            },
        }
    };
    let usual = |p: Provider| p.default_base_url().expect("has one");
    vec![
        account(1, Provider::Anthropic, "work", usual(Provider::Anthropic), "9f2c41d07ab3", anthropic(), &["laptop"], None, Some("Tier 1")),
        account(2, Provider::Anthropic, "laptop", usual(Provider::Anthropic), "c81d55e0947f", anthropic(), &["work"], None, Some("Tier 1")),
        account(
            3,
            Provider::OpenAi,
            "openai",
            usual(Provider::OpenAi),
            "03be77f1c2d9",
            scope(Provider::OpenAi, ScopeKind::Project, "proj_w7Vq2m"),
            &[],
            None,
            Some("Tier 1"),
        ),
        account(
            4,
            Provider::Gemini,
            "gemini free",
            usual(Provider::Gemini),
            "5a10fe92bb04",
            Scope::account(Provider::Gemini, "gemini free"),
            &[],
            None,
            None,
        ),
        account(
            5,
            Provider::DeepSeek,
            "deepseek",
            usual(Provider::DeepSeek),
            "e7730b6c18aa",
            Scope::account(Provider::DeepSeek, "deepseek"),
            &[],
            Some("no credit"),
            None,
        ),
        account(
            6,
            Provider::Custom,
            "a router with a label that is far too long for its column",
            "https://openrouter.ai/api",
            "11d2a9f04c3e",
            Scope::account(Provider::Custom, "a router with a label that is far too long for its column"),
            &[],
            None,
            None,
        ),
    ]
}

struct Numbers {
    capacity: u64,
    used: u64,
    held: u64,
    guard: u64,
    own: f64,
    foreign: f64,
}

fn bucket(scope: &Scope, accounts: &[&str], class: &str, meter: Meter, refill: Refill, source: LimitSource, n: &Numbers) -> BucketView {
    let Meter(dimension, period) = meter;
    let full_at = match refill {
        Refill::Continuous => Some(ahead(i64::try_from(n.used * u64::from(period.as_secs()) / n.capacity.max(1)).expect("fits"))),
        Refill::Calendar(_) => Some("2026-11-25T08:00:00Z".parse().expect("a time")),
        Refill::Fixed | Refill::OnRelease => None,
    };
    BucketView {
        key: BucketKey { scope: scope.clone(), class: ModelClass::new(class), dimension, period },
        meter: meter.to_string(),
        accounts: accounts.iter().map(ToString::to_string).collect(),
        refill,
        capacity: n.capacity,
        source,
        used: n.used,
        held: n.held,
        remaining: i64::try_from(n.capacity).expect("fits") - i64::try_from(n.used + n.guard).expect("fits"),
        full_at,
        frozen_until: None,
        own_per_minute: n.own,
        foreign_per_minute: n.foreign,
        confirmed_at: (source == LimitSource::Header).then(|| ago(4)),
        binding: false,
        waiting: 0,
        beliefs: Vec::new(),
    }
}

/// Five minutes that end where the bucket stands now.
fn trend(bucket: &BucketView) -> Trend {
    let mut trend = Trend::default();
    for step in 0..=60 {
        let wave = 0.75 + 0.25 * f64::from(step).mul_add(0.35, 0.4).sin();
        let share = if step == 60 { bucket.share_used() } else { bucket.share_used() * wave };
        trend.note(ago(i64::from(60 - step) * 5), share);
    }
    trend
}

fn buckets() -> Vec<BucketView> {
    const RPM: Meter = Meter(Dimension::Requests, Period::MINUTE);
    const ITPM: Meter = Meter(Dimension::InputTokens, Period::MINUTE);
    const OTPM: Meter = Meter(Dimension::OutputTokens, Period::MINUTE);
    const TPM: Meter = Meter(Dimension::Tokens, Period::MINUTE);
    const RPD: Meter = Meter(Dimension::Requests, Period::DAY);
    const AT_ONCE: Meter = Meter(Dimension::Concurrent, Period::AT_ONCE);
    let n = |capacity, used, held, guard, own, foreign| Numbers { capacity, used, held, guard, own, foreign };
    let (a, both) = (anthropic(), ["work", "laptop"]);
    let openai = scope(Provider::OpenAi, ScopeKind::Project, "proj_w7Vq2m");
    let gemini = Scope::account(Provider::Gemini, "gemini free");
    let deepseek = Scope::account(Provider::DeepSeek, "deepseek");
    let catalog = |y, m, d| LimitSource::Catalog { as_of: date(y, m, d) };
    let (slow, header) = (Refill::Continuous, LimitSource::Header);
    let sonnet = "claude-sonnet-5-5";
    let (sol, flash, pro) = ("gpt-6-sol", "gemini-3.8-flash", "deepseek-v4-pro");

    let mut otpm = bucket(&a, &both, sonnet, OTPM, slow, header, &n(8_000, 7_416, 2_048, 240, 5_920.0, 640.0));
    otpm.binding = true;
    otpm.waiting = 3;
    otpm.beliefs = vec![
        Belief {
            what: "charge rule".into(),
            value: "output is reserved at max_tokens and settled at what was used".into(),
            evidence: "48 of 48 answers agree".into(),
            at: None,
            sureness: Sureness::Sure,
        },
        Belief {
            what: "foreign share".into(),
            value: "640 output tokens a minute".into(),
            evidence: "headers fell faster than our own use, 6 times".into(),
            at: None,
            sureness: Sureness::Likely,
        },
    ];
    let mut haiku = bucket(&a, &both, "claude-haiku-4-5", RPM, slow, LimitSource::User, &n(20, 4, 0, 0, 4.0, 0.0));
    haiku.binding = true;
    let mut tpm = bucket(&openai, &["openai"], sol, TPM, slow, header, &n(500_000, 118_420, 22_000, 5_000, 96_300.0, 0.0));
    tpm.binding = true;
    let mut rpd =
        bucket(&gemini, &["gemini free"], flash, RPD, Refill::Calendar(Zone::Pacific), catalog(2026, 9, 21), &n(20, 20, 0, 0, 0.2, 0.0));
    rpd.binding = true;
    rpd.frozen_until = Some("2026-11-25T08:00:00Z".parse().expect("a time"));
    let mut at_once =
        bucket(&deepseek, &["deepseek"], pro, AT_ONCE, Refill::OnRelease, catalog(2026, 11, 2), &n(500, 12, 12, 25, 0.0, 0.0));
    at_once.binding = true;
    vec![
        bucket(&a, &both, sonnet, RPM, slow, header, &n(50, 14, 3, 2, 12.0, 1.0)),
        bucket(&a, &both, sonnet, ITPM, slow, header, &n(30_000, 12_480, 3_100, 900, 10_210.0, 1_900.0)),
        otpm,
        haiku,
        bucket(&openai, &["openai"], sol, RPM, slow, header, &n(500, 31, 2, 5, 28.0, 0.0)),
        tpm,
        bucket(&gemini, &["gemini free"], flash, RPM, slow, catalog(2026, 9, 21), &n(10, 1, 0, 0, 0.2, 0.0)),
        rpd,
        at_once,
    ]
}

fn waiting() -> Vec<WaitingView> {
    let key = BucketKey {
        scope: anthropic(),
        class: ModelClass::new("claude-sonnet-5-5"),
        dimension: Dimension::OutputTokens,
        period: Period::MINUTE,
    };
    [("claude-code", Lane::Interactive, 4), ("notebook", Lane::Interactive, 19), ("nightly-evaluation-of-the-summariser", Lane::Batch, 43)]
        .into_iter()
        .zip(1..)
        .map(|((client, lane, secs), position)| WaitingView {
            id: RequestId(2_000 + u64::from(position)),
            account: AccountId(1),
            account_label: "work".into(),
            client: ClientName::new(client),
            lane,
            model: Some(ModelId::new("claude-sonnet-5-5")),
            class: ModelClass::new("claude-sonnet-5-5"),
            position,
            bucket: Some(key.clone()),
            budget: None,
            ready_at: Some(ahead(secs)),
            since: ago(3 + i64::from(position)),
        })
        .collect()
}

fn running() -> Vec<RunningView> {
    let running = |id, client: &str, account, label: &str, provider, api, model: &str, secs, waited, answering, attempt| RunningView {
        arrival: Arc::new(Arrival {
            id: RequestId(id),
            at: ago(secs) - SignedDuration::from_millis(waited),
            account: AccountId(account),
            account_label: label.into(),
            provider,
            client: ClientName::new(client),
            lane: Lane::Interactive,
            api,
            model: Some(ModelId::new(model)),
            class: ModelClass::new(model),
        }),
        sent_at: ago(secs),
        attempt,
        waited_millis: u64::try_from(waited).expect("not negative"),
        answering,
    };
    let (anthropic, openai) = (Provider::Anthropic, Provider::OpenAi);
    vec![
        running(1_990, "claude-code", 1, "work", anthropic, Api::Messages, "claude-sonnet-5-5", 21, 0, true, 1),
        running(1_995, "notebook", 3, "openai", openai, Api::Responses, "gpt-6-sol", 9, 340, true, 1),
        running(1_998, "notebook", 2, "laptop", anthropic, Api::Messages, "claude-sonnet-5-5", 4, 6_200, false, 2),
    ]
}

/// One finished request with plain values, for tests to change.
pub(crate) fn record(id: u64, secs_ago: i64) -> RequestRecord {
    let model = ModelId::new("claude-sonnet-5-5");
    RequestRecord {
        id: RequestId(id),
        arrived_at: ago(secs_ago) - SignedDuration::from_millis(5_400),
        finished_at: ago(secs_ago),
        account: AccountId(1),
        account_label: "work".into(),
        provider: Provider::Anthropic,
        client: ClientName::new("claude-code"),
        lane: Lane::Interactive,
        api: Api::Messages,
        model_asked: Some(model.clone()),
        class: ModelClass::new("claude-sonnet-5-5"),
        status: 200,
        outcome: Outcome::Ok,
        wait_millis: 0,
        first_byte_millis: Some(640),
        attempts: 1,
        usage: Usage { input: 1_830, cache_read: 12_400, output: 488, certainty: Certainty::Exact, model: Some(model), ..Usage::default() },
        counted_input: 1_830,
        counted_output: 488,
        cost_nanos: Some(9_780_000),
        reserved_input: 2_000,
        reserved_output: 1_024,
        bound_by: None,
        verdict: None,
        upstream_request_id: Some("req_011CVJ4nAcQ2yY6mZpBwT8dK".into()),
        request_bytes: 58_211,
        response_bytes: 9_402,
        served_by: None,
    }
}

fn recent() -> VecDeque<Arc<RequestRecord>> {
    let base = record;
    let mut rows = vec![
        RequestRecord { wait_millis: 4_100, bound_by: Some("OTPM".into()), ..base(1_989, 12) },
        other(base(1_988, 20), "openai", Provider::OpenAi, "gpt-6-sol", "gpt-6-sol-2026-09-30"),
        RequestRecord {
            outcome: Outcome::Refused,
            status: 429,
            verdict: Some(VerdictKind::Wait),
            usage: Usage::default(),
            counted_input: 0,
            counted_output: 0,
            cost_nanos: None,
            attempts: 3,
            ..other(base(1_987, 41), "gemini free", Provider::Gemini, "gemini-3.8-flash", "gemini-3.8-flash")
        },
        RequestRecord {
            client: ClientName::new("nightly-evaluation-of-the-summariser"),
            lane: Lane::Batch,
            arrived_at: ago(122),
            wait_millis: 61_400,
            bound_by: Some("ITPM".into()),
            ..base(1_986, 55)
        },
        RequestRecord {
            outcome: Outcome::RefusedLocally,
            status: 429,
            attempts: 0,
            first_byte_millis: None,
            usage: Usage::default(),
            counted_input: 0,
            counted_output: 0,
            cost_nanos: None,
            upstream_request_id: None,
            ..other(base(1_985, 90), "deepseek", Provider::DeepSeek, "deepseek-v4-pro", "deepseek-v4-pro")
        },
        RequestRecord {
            outcome: Outcome::Error,
            status: 404,
            usage: Usage::default(),
            cost_nanos: None,
            ..other(base(1_984, 130), "openai", Provider::OpenAi, "gpt-4o-mini-2024-07-18", "gpt-4o-mini-2024-07-18")
        },
        RequestRecord {
            outcome: Outcome::ClientGone,
            usage: Usage { certainty: Certainty::AtLeast, ..base(1, 1).usage },
            ..base(1_983, 171)
        },
        RequestRecord {
            outcome: Outcome::UpstreamFailed,
            status: 502,
            attempts: 2,
            first_byte_millis: None,
            usage: Usage::default(),
            cost_nanos: None,
            ..base(1_982, 244)
        },
    ];
    rows.extend((0_u32..40).map(|i| {
        let row = base(1_981 - u64::from(i), 260 + i64::from(i) * 17);
        if i % 3 == 0 { other(row, "openai", Provider::OpenAi, "gpt-6-sol", "gpt-6-sol-2026-09-30") } else { row }
    }));
    rows.into_iter().map(Arc::new).collect()
}

fn other(row: RequestRecord, label: &str, provider: Provider, asked: &str, served: &str) -> RequestRecord {
    let usage = Usage { input: 3_204, cache_read: 0, output: 911, reasoning: 320, model: Some(ModelId::new(served)), ..row.usage };
    RequestRecord {
        account_label: label.into(),
        provider,
        client: ClientName::new("notebook"),
        api: Api::Responses,
        model_asked: Some(ModelId::new(asked)),
        class: ModelClass::new(asked),
        counted_input: 3_204,
        counted_output: 911,
        reserved_input: 3_500,
        reserved_output: 2_048,
        cost_nanos: Some(15_518_000),
        usage,
        ..row
    }
}

fn notices() -> Vec<Notice> {
    vec![
        Notice {
            key: "account/deepseek".into(),
            at: ago(600),
            severity: Severity::Error,
            text: "deepseek has no credit left: its requests are refused until you add some".into(),
            hint: Some("top up at platform.deepseek.com, then press Probe on the account".into()),
        },
        Notice {
            key: "retirement/gpt-4o-mini-2024-07-18".into(),
            at: now() - 2.hours(),
            severity: Severity::Warning,
            text: "gpt-4o-mini-2024-07-18 retires on 2027-01-14, and notebook used it 12 times this week".into(),
            hint: Some("the announced replacement is gpt-6-luna".into()),
        },
        Notice {
            key: "header/anthropic-ratelimit-tokens-limit".into(),
            at: ago(5_000),
            severity: Severity::Info,
            text: "gemini free sends no limit headers: its numbers come from the catalogue".into(),
            hint: None,
        },
    ]
}
