//! The gateway beside a bare hyper proxy, nginx and no proxy at all, in one run: throughput, added latency, time to the first
//! byte and between the chunks of a stream.
//!
//! `cargo bench --bench gateway` prints the table; `-- JSON`, `-- SSE 256` and the like print some of its rows. Provider, proxies
//! and load share the machine, so only the comparison says something, not the absolute figures. Each round goes through all
//! peers in turn, and every figure is the median of the rounds, so that a slow moment of the machine decides nothing.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement prints, and stops at the first surprise")]

mod load;
mod nginx;
mod peers;
mod provider;

use load::{Kind, Run};
use nginx::Nginx;
use peers::{Peer, on_its_own};

const ROUNDS: usize = 5;
const CONNECTIONS: [usize; 3] = [1, 32, 256];

/// Titles and widths. A "gap" is the time between two pieces of one answer.
const COLUMNS: [(&str, usize); 14] = [
    ("answer", 6),
    ("conns", 6),
    ("through", 12),
    ("req/s", 8),
    ("of bare", 9),
    ("p50", 9),
    ("p99", 8),
    ("added p50", 12),
    ("added p99", 11),
    ("x bare", 8),
    ("1st p50", 10),
    ("1st p99", 9),
    ("gap p50", 10),
    ("gap p99", 9),
];

/// Who stands where among the peers.
const DIRECT: usize = 0;
const BARE: usize = 1;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let provider = on_its_own("provider", provider::serve);
    let bare = on_its_own("bare-proxy", move |listener| peers::bare_proxy(listener, provider));
    let mut peers = vec![Peer::new("no proxy", provider, ""), Peer::new("bare proxy", bare, "")];
    // both it and the gateway take a port that was free a moment ago, so one after the other
    let nginx = Nginx::start(provider);
    match &nginx {
        Some(nginx) => peers.push(Peer::new("nginx", nginx.addr, "")),
        None => println!("nginx not installed: not measured"),
    }
    let gateway = on_its_own("gateway", move |listener| peers::gateway(listener, provider));
    peers.push(Peer::new("tierline", gateway, "/openai"));

    println!("times in us; \"added\": over no proxy; \"x bare\": over what the bare proxy adds\n");
    line(&COLUMNS.map(|(title, _)| title.to_owned()));
    for kind in [Kind::Json, Kind::Events, Kind::Paced] {
        for connections in CONNECTIONS {
            let row = [kind.name().to_owned(), connections.to_string()];
            if words.iter().all(|word| row.contains(word)) {
                measure(&peers, kind, connections);
            }
        }
    }
}

fn measure(peers: &[Peer], kind: Kind, connections: usize) {
    let rounds: Vec<Vec<Run>> = (0..ROUNDS).map(|_| peers.iter().map(|peer| load::run(peer, kind, connections)).collect()).collect();
    let over_rounds = |figure: &dyn Fn(&[Run]) -> f64| median(rounds.iter().map(|runs| figure(runs)).collect());
    let added_by_bare = over_rounds(&|runs| runs[BARE].whole.p99 - runs[DIRECT].whole.p99);
    for (at, peer) in peers.iter().enumerate() {
        let added_p99 = over_rounds(&|runs| runs[at].whole.p99 - runs[DIRECT].whole.p99);
        let times = [
            over_rounds(&|runs| runs[at].whole.p50),
            over_rounds(&|runs| runs[at].whole.p99),
            over_rounds(&|runs| runs[at].whole.p50 - runs[DIRECT].whole.p50),
            added_p99,
            over_rounds(&|runs| runs[at].first_byte.p50),
            over_rounds(&|runs| runs[at].first_byte.p99),
            over_rounds(&|runs| runs[at].between.p50),
            over_rounds(&|runs| runs[at].between.p99),
        ];
        let [p50, p99, added_p50, added, first_p50, first_p99, gap_p50, gap_p99] = times.map(|micros| format!("{micros:.0}"));
        let per_second = format!("{:.0}", over_rounds(&|runs| runs[at].per_second));
        let of_bare = format!("{:.2}", over_rounds(&|runs| runs[at].per_second / runs[BARE].per_second));
        let over_bare = format!("{:.1}", added_p99 / added_by_bare);
        let (kind, connections, peer) = (kind.name().to_owned(), connections.to_string(), peer.name.to_owned());
        line(&[
            kind,
            connections,
            peer,
            per_second,
            of_bare,
            p50,
            p99,
            added_p50,
            added,
            over_bare,
            first_p50,
            first_p99,
            gap_p50,
            gap_p99,
        ]);
    }
    println!();
}

fn line(cells: &[String; COLUMNS.len()]) {
    let padded = cells.iter().zip(COLUMNS).map(|(cell, (_, width))| format!("{cell:>width$}"));
    println!("{}", padded.collect::<String>());
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
