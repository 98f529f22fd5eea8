//! Exports read back equal, mislead no spreadsheet, keep their columns, and are whole or not there.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tierline::domain::query::{ExportFormat, ExportOrder, ExportWhat};
use tierline::domain::{
    AccountId, BaseUrl, BucketKey, ClientName, Dimension, Fingerprint, Identity, KeyRef, LimitChange, LimitSource, ModelClass, Oddity,
    Period, Pool, Provider, Reading, RefusalRecord, RequestId, RequestRecord, Scope, ScopeKind, Snapshot, Verdict, VerdictKind, Whose,
};
use tierline::store::export::columns::{Kind, Table};
use tierline::store::{AccountRow, Reader, Write, export};

use crate::made::{Home, NOON, Random, at, finished, record};

fn order(what: ExportWhat, format: ExportFormat) -> ExportOrder {
    ExportOrder { what, from: None, to: None, format, path: "unused".into() }
}

fn text(reader: &Reader, order: &ExportOrder) -> String {
    let mut out = Vec::new();
    export::write(reader, order, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The cells of an export: an empty cell is `None`, a text without the apostrophe that the export put in front.
fn cells(what: ExportWhat, csv: &str) -> Vec<Vec<Option<String>>> {
    let columns = Table::of(what).columns;
    let plain = |(at, cell): (usize, &str)| match columns[at].kind {
        _ if cell.is_empty() => None,
        Kind::Text => Some(cell.strip_prefix('\'').unwrap_or(cell).to_owned()),
        Kind::Number | Kind::Time => Some(cell.to_owned()),
    };
    csv::Reader::from_reader(csv.as_bytes()).records().map(|row| row.unwrap().iter().enumerate().map(plain).collect()).collect()
}

/// A request's cells, by the documented columns.
fn expected(r: &RequestRecord) -> Vec<Option<String>> {
    let some = |text: &dyn ToString| Some(text.to_string());
    let time = |at: jiff::Timestamp| Some(format!("{at:.3}"));
    let u = &r.usage;
    vec![
        some(&r.id.0),
        time(r.arrived_at),
        time(r.finished_at),
        some(&r.account_label),
        some(&r.provider.name()),
        some(&r.client),
        some(&r.lane.name()),
        some(&r.api.name()),
        r.model_asked.as_ref().map(ToString::to_string),
        u.model.as_ref().map(ToString::to_string),
        some(&r.class),
        some(&r.status),
        some(&r.outcome.name()),
        some(&r.wait_millis),
        r.first_byte_millis.map(|n| n.to_string()),
        some(&r.attempts),
        some(&u.input),
        some(&u.cache_read),
        some(&u.cache_write),
        some(&u.cache_write_long),
        some(&u.tool_input),
        some(&u.output),
        some(&u.reasoning),
        some(&u.images),
        some(&u.certainty.name()),
        u.service_tier.clone(),
        some(&r.counted_input),
        some(&r.counted_output),
        r.cost_nanos.map(|n| n.to_string()),
        some(&r.reserved_input),
        some(&r.reserved_output),
        r.bound_by.clone(),
        r.verdict.map(|v| v.name().to_owned()),
        r.upstream_request_id.clone(),
        some(&r.request_bytes),
        some(&r.response_bytes),
        r.served_by.clone(),
    ]
}

#[test]
fn ten_thousand_requests_read_back_equal() {
    let home = Home::new();
    let mut random = Random(2);
    let mut records = (1..=10_000).map(|id| random.record(id, NOON, 86_400_000)).collect::<Vec<_>>();
    home.write(records.iter().map(finished));
    records.sort_by_key(|r| (r.arrived_at, r.id));
    let reader = home.store.reader().unwrap();

    let csv = text(&reader, &order(ExportWhat::Requests, ExportFormat::Csv));
    let found = cells(ExportWhat::Requests, &csv);
    assert_eq!(found.len(), records.len());
    for (found, record) in found.iter().zip(&records) {
        assert_eq!(*found, expected(record), "{record:?}");
    }

    let json: Vec<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_str(&text(&reader, &order(ExportWhat::Requests, ExportFormat::Json))).unwrap();
    assert_eq!(json.len(), records.len());
    let columns = Table::of(ExportWhat::Requests).columns;
    for (row, record) in json.iter().zip(&records) {
        let found = columns.iter().map(|column| match (&row[column.name], column.kind) {
            (serde_json::Value::Null, _) => None,
            (serde_json::Value::String(text), Kind::Text | Kind::Time) => Some(text.clone()),
            (serde_json::Value::Number(number), Kind::Number) => Some(number.to_string()),
            (other, kind) => panic!("{other} in a column of {kind:?}"),
        });
        assert!(found.eq(expected(record)), "{row:?}");
    }
}

#[test]
fn no_cell_is_a_formula_and_numbers_stay_numbers() {
    for (label, cell) in [
        ("plain", "plain"),
        ("=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\""),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("\rx", "\"'\rx\""),
        ("'tis", "''tis"),
        ("a=b", "a=b"),
        ("a,b", "\"a,b\""),
    ] {
        let home = Home::new();
        home.write([finished(&RequestRecord { account_label: label.into(), ..record(1, NOON) })]);
        let csv = text(&home.store.reader().unwrap(), &order(ExportWhat::Requests, ExportFormat::Csv));
        let row = csv.split_once("\r\n").unwrap().1;
        let begin = format!("1,2026-11-24T12:00:00.000Z,2026-11-24T12:00:01.000Z,{cell},anthropic,agent,");
        assert!(row.starts_with(&begin), "{row:?}");
        assert!(row.ends_with(",400,200,\r\n"), "{row:?}");
    }
}

#[test]
fn the_columns_are_a_contract() {
    let home = Home::new();
    let reader = home.store.reader().unwrap();
    for (what, header) in [
        (
            ExportWhat::Requests,
            "id,arrived_at,finished_at,account,provider,client,lane,api,model_asked,model_served,class,status,outcome,wait_millis,\
             first_byte_millis,attempts,input_tokens,cache_read_tokens,cache_write_tokens,cache_write_long_tokens,tool_input_tokens,\
             output_tokens,reasoning_tokens,images,usage_certainty,service_tier,counted_input_tokens,counted_output_tokens,cost_nanos,\
             reserved_input_tokens,reserved_output_tokens,bound_by,verdict,upstream_request_id,request_bytes,response_bytes,served_by",
        ),
        (
            ExportWhat::Snapshots,
            "at,request,account,class,status,retry_after_millis,organization,project,workspace,upstream_request_id,dimension,period_secs,\
             pool,limit,remaining,full_at,grain,oddities",
        ),
        (
            ExportWhat::Refusals,
            "at,request,attempt,account,client,class,model,status,kind,dimension,period_secs,limit,used,requested,retry_after_millis,scope,\
             whose,reason,advice,ledger",
        ),
        (ExportWhat::Limits, "at,provider,scope_kind,scope,class,dimension,period_secs,old_limit,new_limit,source"),
    ] {
        assert_eq!(text(&reader, &order(what, ExportFormat::Csv)), format!("{header}\r\n"));
        assert_eq!(text(&reader, &order(what, ExportFormat::Json)), "[\n]\n");
    }
}

fn reading(dimension: Dimension, limit: Option<u64>, remaining: Option<u64>) -> Reading {
    Reading {
        dimension,
        period: Some(Period::MINUTE),
        pool: Pool::Standard,
        limit,
        remaining,
        full_at: Some(at(NOON + 60_000)),
        grain: 500,
    }
}

#[test]
fn snapshots_have_a_row_for_every_reading() {
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
    let answered = |id: u64, account, snapshot| Write::Answered {
        id: RequestId(id),
        account,
        class: ModelClass::new("sonnet"),
        snapshot: Arc::new(snapshot),
    };
    let mut two = Snapshot::empty(at(NOON), 200);
    two.readings = vec![reading(Dimension::InputTokens, Some(30_000), Some(29_000)), reading(Dimension::Requests, Some(50), None)];
    two.identity = Identity { organization: Some("org-1".into()), ..Identity::default() };
    two.oddities = vec![Oddity { header: "x-odd".into(), what: "-1".into() }];
    let mut wait = Snapshot::empty(at(NOON + 1), 429);
    wait.retry_after = Some(Duration::from_millis(1_500));
    home.write([answered(5, account.id, two), answered(6, AccountId(99), wait)]);

    let csv = text(&home.store.reader().unwrap(), &order(ExportWhat::Snapshots, ExportFormat::Csv));
    let rows = csv.split("\r\n").skip(1).collect::<Vec<_>>();
    assert_eq!(
        rows,
        [
            "2026-11-24T12:00:00.000Z,5,work,sonnet,200,,org-1,,,,input_tokens,60,standard,30000,29000,2026-11-24T12:01:00.000Z,500,\
             \"[[\"\"x-odd\"\",\"\"-1\"\"]]\"",
            "2026-11-24T12:00:00.000Z,5,work,sonnet,200,,org-1,,,,requests,60,standard,50,,2026-11-24T12:01:00.000Z,500,\
             \"[[\"\"x-odd\"\",\"\"-1\"\"]]\"",
            "2026-11-24T12:00:00.001Z,6,,sonnet,429,1500,,,,,,,,,,,,",
            "",
        ]
    );
}

#[test]
fn refusals_and_limits_are_exported_as_they_came() {
    let home = Home::new();
    let refusal = RefusalRecord {
        at: at(NOON),
        request: RequestId(5),
        attempt: 2,
        account: AccountId(1),
        account_label: "work".into(),
        client: ClientName::new("agent"),
        class: ModelClass::new("sonnet"),
        model: None,
        status: 429,
        verdict: Verdict {
            kind: VerdictKind::Wait,
            dimension: Some(Dimension::InputTokens),
            period: Some(Period::MINUTE),
            limit: Some(30_000),
            used: None,
            requested: Some(2_000),
            retry_after: Some(Duration::from_secs(7)),
            scope: Some(ScopeKind::Organization),
            whose: Whose::Account,
            reason: "the minute is used up".into(),
            advice: "wait".into(),
        },
        ledger: vec!["ITPM 12 of 30000 left".into()],
    };
    let change = LimitChange {
        at: at(NOON),
        bucket: BucketKey {
            scope: Scope { provider: Provider::OpenAi, kind: ScopeKind::Project, id: "proj_1".into() },
            class: ModelClass::new("gpt-5"),
            dimension: Dimension::Requests,
            period: Period::DAY,
        },
        old: None,
        old_source: None,
        new: 10_000,
        source: LimitSource::Catalog { as_of: jiff::civil::date(2026, 11, 1) },
    };
    home.write([Write::Refused(Arc::new(refusal)), Write::LimitChanged(Arc::new(change))]);
    let reader = home.store.reader().unwrap();
    for (what, row) in [
        (
            ExportWhat::Refusals,
            "2026-11-24T12:00:00.000Z,5,2,work,agent,sonnet,,429,wait,input_tokens,60,30000,,2000,7000,organization,account,\
             the minute is used up,wait,\"[\"\"ITPM 12 of 30000 left\"\"]\"",
        ),
        (ExportWhat::Limits, "2026-11-24T12:00:00.000Z,openai,project,proj_1,gpt-5,requests,86400,,10000,catalog 2026-11-01"),
    ] {
        let csv = text(&reader, &order(what, ExportFormat::Csv));
        assert_eq!(csv.split("\r\n").nth(1), Some(row));
    }
}

#[test]
fn a_range_includes_its_start_and_not_its_end() {
    let home = Home::new();
    home.write((0..10).map(|n| finished(&record(n + 1, NOON + i64::try_from(n).unwrap()))));
    let reader = home.store.reader().unwrap();
    for (from, to, count) in [(None, None, 10), (Some(3), None, 7), (None, Some(3), 3), (Some(3), Some(5), 2), (Some(5), Some(3), 0)] {
        let time = |offset: Option<i64>| offset.map(|offset| at(NOON + offset));
        let order = ExportOrder { from: time(from), to: time(to), ..order(ExportWhat::Requests, ExportFormat::Csv) };
        assert_eq!(export::write(&reader, &order, &mut io::sink()).unwrap(), count, "{from:?} {to:?}");
    }
}

#[test]
fn a_file_is_written_as_a_whole_or_not_at_all() {
    let home = Home::new();
    home.write((1..=100).map(|id| finished(&record(id, NOON))));
    let reader = home.store.reader().unwrap();
    let out = home.temp.path().join("out");
    fs::create_dir(&out).unwrap();
    let to = |path: &Path| ExportOrder { path: path.to_owned(), ..order(ExportWhat::Requests, ExportFormat::Csv) };
    let names = || fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();

    let target = out.join("history.csv");
    fs::write(&target, "an older export").unwrap();
    assert_eq!(export::write_file(&reader, &to(&target)).unwrap(), 100);
    assert_eq!(fs::read_to_string(&target).unwrap(), text(&reader, &to(&target)));
    assert_eq!(names(), ["history.csv"]);

    for (bad, words) in [(out.clone(), "is a folder"), (out.join("missing/history.csv"), "No such file")] {
        let problem = export::write_file(&reader, &to(&bad)).unwrap_err();
        assert!(problem.to_string().contains(words), "{problem}");
    }
    assert_eq!(names(), ["history.csv"]);
}

#[test]
fn a_full_target_is_an_error_and_not_a_short_export() {
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let home = Home::new();
    let reader = home.store.reader().unwrap();
    for format in [ExportFormat::Csv, ExportFormat::Json] {
        let problem = export::write(&reader, &order(ExportWhat::Limits, format), &mut Full).unwrap_err();
        assert!(problem.summary.contains("cannot write the export"), "{problem}");
    }
}
