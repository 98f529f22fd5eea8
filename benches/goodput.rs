//! How near the limiter comes to the physical limit, at what price in refusals, and what one admission costs: `cargo bench --bench
//! goodput`. The same from the installed program, and over real sockets as well: `tierline bench goodput`.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints, and one that cannot go on has failed")]

use std::convert::Infallible;

use tierline::bench::{Cost, Row, rows};

const SEEDS: u64 = 8;

fn main() {
    println!("mean of {SEEDS} seeds\n{}", Row::head());
    let Ok(()) = rows(SEEDS, |row| {
        println!("{row}");
        Ok::<(), Infallible>(())
    });
    println!();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    for cost in runtime.block_on(Cost::all()) {
        println!("{cost}");
    }
}
