//! `kill -9` at any moment of a batch that is with the provider: while it is submitted, looked after, fetched and joined.
//! Nothing is submitted twice, no row is lost or doubled, neither in the output nor in the history.

use std::thread::sleep;
use std::time::Duration;

use tierline::sim::Batches;

use crate::handover::{PROVIDERS, RUN, home, row_for};
use crate::home::{Home, assert_whole};
use crate::killed::{chances, kills};

/// About as long as one undisturbed run takes, in milliseconds: any moment of it is as good as any other.
const RUN_MILLIS: u64 = 1_500;
const ROWS: usize = 300;

/// Whether the newest batch is of this file, and over: one that was killed after its end would begin anew.
fn is_done(home: &Home, input: &str) -> bool {
    let newest = home.well(&["batch", "list"])[0][0].clone();
    newest["state"] == "done" && newest["input"].as_str().is_some_and(|path| path.ends_with(input))
}

#[test]
fn killed_at_any_moment_nothing_is_submitted_twice_and_no_row_is_lost_or_doubled() {
    let mut chances = chances();
    for provider in PROVIDERS {
        let home = home(provider, Batches { take_ms: 300, ..Batches::default() });
        let (mut kills_left, mut batches, mut rows) = (kills().div_ceil(3), 0, 0);
        while kills_left > 0 {
            // each batch is killed until it is done in spite of it
            batches += 1;
            let (input, output) = (format!("in{batches}.jsonl"), format!("in{batches}.out.jsonl"));
            home.write(&input, (0..ROWS).map(|n| row_for(provider, n)));
            let run = RUN.map(|word| if word == "in.jsonl" { input.as_str() } else { word });
            loop {
                if kills_left == 0 {
                    home.well(&run);
                    break;
                }
                let mut child = home.start(&run);
                sleep(Duration::from_millis(chances.next().unwrap() % RUN_MILLIS));
                child.kill().unwrap();
                if child.wait().unwrap().success() {
                    break;
                }
                kills_left -= 1;
                if is_done(&home, &input) {
                    break;
                }
            }
            assert_whole(&home.answers(&output), ROWS);
            rows += ROWS;
        }
        // whoever serves next takes what a killed process left
        home.write("last.jsonl", [row_for(provider, 0)]);
        home.well(&RUN.map(|word| if word == "in.jsonl" { "last.jsonl" } else { word }));
        let stats = home.sim.stats();
        eprintln!("{provider:?}: {} kills, {batches} batches, {} at the provider", kills().div_ceil(3), stats.batches);
        assert_eq!(stats.batch_rows, rows as u64 + 1, "{provider:?}: nothing is submitted twice");
        let history = home.history();
        assert_eq!(history.len(), rows + 1, "{provider:?}: each row is one request in the history");
    }
}
