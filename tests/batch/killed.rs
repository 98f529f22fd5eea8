//! `kill -9`, run after run: no row lost, no line doubled, and what may have gone out twice is told.

use crate::home::{Home, assert_whole, objects, resent, row, slow};

/// So many kills, unless this variable says how many.
const KILLS: u64 = 8;
const KILLS_VARIABLE: &str = "TIERLINE_TEST_KILLS";
/// The most rows on their way.
const AT_ONCE: u64 = 12;

/// Numbers that look as if by chance, the same in every run.
pub(crate) fn chances() -> impl Iterator<Item = u64> {
    std::iter::successors(Some(2_463_534_242_u64), |n| {
        let n = n ^ (n << 13);
        let n = n ^ (n >> 7);
        Some(n ^ (n << 17))
    })
}

/// How many kills there are to be.
pub(crate) fn kills() -> u64 {
    std::env::var(KILLS_VARIABLE).map_or(KILLS, |kills| kills.parse().unwrap())
}

#[test]
fn killed_at_any_moment_it_loses_nothing_and_doubles_no_line() {
    let kills = kills();
    let rows = usize::try_from(kills * 3 * AT_ONCE).unwrap();
    let home = Home::new(slow(40));
    home.write("in.jsonl", (0..rows).map(row));
    let run = ["batch", "run", "in.jsonl", "--concurrency", "12"];
    for chance in chances().take(usize::try_from(kills).unwrap()) {
        let before = home.sim.stats().requests;
        let mut child = home.start(&run);
        // none: it may be reading the file, or starting its gateway
        let more = chance % (2 * AT_ONCE);
        home.until_seen(before + more);
        child.kill().unwrap();
        let told = resent(&objects(&child.wait_with_output().unwrap().stdout));
        assert!(told.len() as u64 <= AT_ONCE, "{told:?}");
    }
    let told = home.well(&run);
    let answers = home.answers("in.out.jsonl");
    assert_whole(&answers, rows);
    let batch = &told.last().unwrap()["batch"];
    let twice = batch["resent"].as_u64().unwrap();
    eprintln!("{kills} kills, {rows} rows, {twice} may have gone out twice, {} requests", home.sim.stats().requests);
    assert_eq!(batch["state"], "done");
    assert!(home.sim.stats().requests <= rows as u64 + twice && twice <= (kills + 1) * AT_ONCE, "{:?} and {twice}", home.sim.stats());
    assert_eq!(answers.iter().map(|answer| answer["sends"].as_u64().unwrap() - 1).sum::<u64>(), twice, "each is named in its line");
    for id in resent(&told) {
        let answer = answers.iter().find(|answer| answer["custom_id"] == id).unwrap();
        assert!(answer["sends"].as_u64().unwrap() > 1, "{answer}");
    }
}
