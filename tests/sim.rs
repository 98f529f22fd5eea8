//! The simulated provider as a client sees it, over real sockets; and its command.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

#[path = "sim/answers.rs"]
mod answers;
#[path = "sim/batches.rs"]
mod batches;
#[path = "sim/client.rs"]
mod client;
#[path = "sim/faults.rs"]
mod faults;
#[path = "sim/headers.rs"]
mod headers;
#[path = "sim/refusals.rs"]
mod refusals;

use client::{config, start};
use serde_json::{Value, json};
use tierline::sim::{self, Fault, Limits, Sim, SimConfig, SimProvider};

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    args: sim::SimArgs,
}

fn args(words: &str) -> sim::SimArgs {
    <Cli as clap::Parser>::try_parse_from(words.split(' ')).unwrap().args
}

#[tokio::test]
async fn the_command_says_where_it_listens_and_what_it_saw() {
    let mut out = Vec::new();
    sim::run(args("sim --provider anthropic --rpm 50 --fault overloaded:0.5"), &mut out, async {}).await.unwrap();
    let out = String::from_utf8(out).unwrap();
    assert!(out.starts_with("sim anthropic listening on http://127.0.0.1:"), "{out}");
    assert!(out.contains("\n0 requests, 0 admitted, 0 refused by a limit\n"), "{out}");

    let mut out = Vec::new();
    sim::run(args("sim --provider deepseek --json"), &mut out, async {}).await.unwrap();
    let lines: Vec<Value> = String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["provider"], &lines[1]["requests"]), (&json!("deepseek"), &json!(0)));
}

#[tokio::test]
async fn the_command_tells_why_it_cannot_start() {
    let taken = start(config(SimProvider::OpenAi)).await;
    let on_taken = format!("sim --provider openai --listen {}", taken.addr);
    for (words, said) in [
        ("sim --provider openai --listen 0.0.0.0:0", "loopback only"),
        ("sim --provider openai --key-env TIERLINE_NO_SUCH_VARIABLE", "is not set"),
        (&on_taken, "cannot listen on"),
    ] {
        let error = sim::run(args(words), &mut Vec::new(), async {}).await.unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    let anywhere = Sim::start(SimConfig::default(), "[::]:0".parse().unwrap()).await;
    assert_eq!(anywhere.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
}

#[test]
fn a_provider_can_be_written_as_toml() {
    let config: SimConfig = toml::from_str(
        r#"
        provider = "gemini"
        limits = { rpm = 10, rpd = 20 }
        refill = { quantised_seconds = 1 }
        charge = { reserves_max = { refund = true } }
        keys = ["k"]
        batches = { take_ms = 500, queue = 1000 }
        faults = { rates = [["overloaded", 0.1]], script = [{ request = 3, fault = { slow_first_byte = 50 } }] }
        "#,
    )
    .unwrap();
    assert_eq!(config.limits, Limits { rpm: Some(10), rpd: Some(20), ..Limits::default() });
    assert_eq!(config.faults.script[0].fault, Fault::SlowFirstByte(50));
    assert!(toml::from_str::<SimConfig>("rmp = 5").is_err(), "a misspelt name is not ignored");
}
