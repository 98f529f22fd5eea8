//! `tierline export`: four tables, two formats, a range, a file or standard output.

use std::fs;

use serde_json::{Value, json};
use tierline::domain::query::ExportWhat;
use tierline::sim::{Limits, SimProvider};
use tierline::store::export::columns::Table;

use crate::ask::{message, post, post_with};
use crate::gateway::{KEY, home_with, sim};
use crate::home::Home;

const TABLES: [(&str, ExportWhat); 4] = [
    ("requests", ExportWhat::Requests),
    ("snapshots", ExportWhat::Snapshots),
    ("refusals", ExportWhat::Refusals),
    ("limits", ExportWhat::Limits),
];

fn header(what: ExportWhat) -> String {
    Table::of(what).columns.iter().map(|column| column.name).collect::<Vec<_>>().join(",") + "\r\n"
}

#[test]
fn an_empty_history_is_a_header_or_an_empty_array() {
    let home = Home::new();
    for (name, what) in TABLES {
        assert_eq!(home.run(&format!("export --what {name} --format csv --out -")).done(), header(what));
        assert_eq!(home.exported(name), Vec::<Value>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_comes_whole_in_both_formats_and_for_a_range() {
    let sim = sim(SimProvider::Anthropic, Limits { rpm: Some(2), ..Limits::default() }).await;
    let home = home_with("anthropic", &sim);
    let token = home.token("notebook");
    let serve = home.serve();
    // the second request of this minute is somebody else's, so that the third is refused
    let wishes = [("x-tierline-deadline-ms", "200"), ("x-tierline-client", "=1+1, \"quoted\"")];
    let through = format!("{}/anthropic/v1/messages", serve.url());
    assert_eq!(post_with(&through, &token, &wishes, message()).await.status, 200);
    assert_eq!(post(&format!("{}/v1/messages", sim.url()), KEY, message()).await.status, 200);
    assert_eq!(post_with(&through, &token, &wishes, message()).await.status, 429);
    serve.stop().done();

    for (name, what) in TABLES {
        let csv = home.run(&format!("export --what {name} --format csv --out -")).done();
        let rows = home.exported(name);
        assert!(csv.starts_with(&header(what)), "{csv}");
        let read = csv::Reader::from_reader(csv.as_bytes()).into_records().map(Result::unwrap).count();
        assert_eq!((read, rows.is_empty()), (rows.len(), false), "{name}");
        let columns: Vec<&str> = Table::of(what).columns.iter().map(|column| column.name).collect();
        assert!(rows.iter().all(|row| row.as_object().unwrap().len() == columns.len() && columns.iter().all(|c| row.get(*c).is_some())));
        let time = if name == "requests" { "arrived_at" } else { "at" };
        let first: jiff::Timestamp = rows[0][time].as_str().unwrap().parse().unwrap();
        for (range, expect) in [
            (format!("--from {first}"), rows.len()),
            ("--from 2000-01-01T00:00:00Z --to 2001-01-01T00:00:00+02:00".to_owned(), 0),
            (format!("--to {first}"), 0),
        ] {
            let text = home.run(&format!("export --what {name} --format json {range} --out -")).done();
            assert_eq!(serde_json::from_str::<Vec<Value>>(&text).unwrap().len(), expect, "{name} {range}");
        }
    }
    let csv = home.run("export --what requests --format csv --out -").done();
    assert!(csv.contains(r#","'=1+1, ""quoted""","#), "no spreadsheet runs it: {csv}");
    assert_eq!(home.exported("requests")[0]["client"], "=1+1, \"quoted\"");
}

#[test]
fn a_file_is_named_with_its_rows_and_a_place_that_cannot_be_written_is_refused() {
    let home = Home::new();
    let file = home.path("out.csv");
    let said = home.run(&format!("export --what limits --format csv --out {}", file.display())).done();
    assert_eq!(said, format!("wrote 0 rows to {}\n", file.display()));
    assert_eq!(fs::read_to_string(&file).unwrap(), header(ExportWhat::Limits));
    let said = home.run(&format!("export --what limits --format json --json --out {}", file.display())).json();
    assert_eq!(said, json!({ "rows": 0, "file": file }));
    assert_eq!(fs::read_to_string(&file).unwrap(), "[\n]\n");
    for (place, word) in
        [(home.data(), "it is a folder"), (file.join("below"), "check the folder"), ("/proc/no/out.csv".into(), "check the folder")]
    {
        home.run(&format!("export --what limits --format csv --out {}", place.display())).failed(&["cannot write the export", word]);
    }
}
