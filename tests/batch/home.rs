//! A data folder with an account at a simulated provider, and the program to run on it.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tierline::sim::{Latency, OutputLength, Sim, SimConfig, SimHandle, SimProvider};
use tokio::runtime::Runtime;

const KEY: &str = "sk-simulated-0000000000";

pub(crate) struct Home {
    pub(crate) temp: TempDir,
    pub(crate) sim: SimHandle,
    _runtime: Runtime,
}

/// Quick answers, no limits.
pub(crate) fn quick() -> SimConfig {
    SimConfig { provider: SimProvider::Anthropic, output: OutputLength { tokens: 5, ..OutputLength::default() }, ..SimConfig::default() }
}

/// No limits either, and this long until an answer begins.
pub(crate) fn slow(first_byte_ms: u64) -> SimConfig {
    SimConfig { latency: Latency { first_byte_ms, ..Latency::default() }, ..quick() }
}

pub(crate) fn row(id: impl std::fmt::Display) -> String {
    json!({
        "custom_id": format!("r{id}"),
        "params": { "model": "claude-haiku-4-5", "max_tokens": 50, "messages": [{ "role": "user", "content": "how far did the fox run?" }] },
    })
    .to_string()
}

impl Home {
    pub(crate) fn new(config: SimConfig) -> Self {
        let runtime = Runtime::new().unwrap();
        let provider = config.provider.name();
        let sim = runtime.block_on(Sim::start(config, "127.0.0.1:0".parse().unwrap())).unwrap();
        let home = Self { temp: tempfile::tempdir().unwrap(), sim, _runtime: runtime };
        let url = home.sim.url();
        home.well(&["accounts", "add", "--provider", provider, "--label", "sim", "--base-url", &url, "--key-env", "TIERLINE_TEST_KEY"]);
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, lines: impl IntoIterator<Item = String>) {
        fs::write(self.path(name), lines.into_iter().map(|line| line + "\n").collect::<String>()).unwrap();
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tierline"));
        command.current_dir(self.temp.path()).env("TIERLINE_DATA_DIR", self.path("data")).env("TIERLINE_TEST_KEY", KEY);
        command.args(["--vault", "env", "--json"]).args(args);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs a command that must do well; its output, a JSON value a line.
    pub(crate) fn well(&self, args: &[&str]) -> Vec<Value> {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
        objects(&output.stdout)
    }

    pub(crate) fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// The newest batch.
    pub(crate) fn batch(&self) -> Value {
        self.well(&["batch", "list"])[0][0].clone()
    }

    /// The output, a JSON value a line.
    pub(crate) fn answers(&self, name: &str) -> Vec<Value> {
        objects(&fs::read(self.path(name)).unwrap())
    }

    /// The rows of provider's batches in the history, newest first.
    pub(crate) fn history(&self) -> Vec<Value> {
        let told = self.well(&["export", "--what", "requests", "--format", "json", "--out", "-"]);
        let requests = told.into_iter().flat_map(|value| value.as_array().cloned().unwrap_or_else(|| vec![value]));
        requests.filter(|request| request["class"].as_str().is_some_and(|class| class.ends_with(" (batch)"))).collect()
    }

    /// The provider has seen at least so many requests.
    pub(crate) fn until_seen(&self, requests: u64) {
        self.until(|home| home.sim.stats().requests >= requests);
    }

    /// The provider has at least so many batches.
    pub(crate) fn until_batches(&self, batches: u64) {
        self.until(|home| home.sim.stats().batches >= batches);
    }

    /// Something is so.
    pub(crate) fn until(&self, is_so: impl Fn(&Self) -> bool) {
        for _ in 0..6_000 {
            if is_so(self) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("never: {:?}", self.sim.stats());
    }
}

pub(crate) fn objects(text: &[u8]) -> Vec<Value> {
    serde_json::Deserializer::from_slice(text).into_iter().map(Result::unwrap).collect()
}

/// The rows that a run says it sends again, because they were on their way when the last one ended.
pub(crate) fn resent(told: &[Value]) -> Vec<String> {
    let rows = told.iter().find_map(|line| line["resent"].as_array());
    rows.map(|rows| rows.iter().map(|id| id.as_str().unwrap().to_owned()).collect()).unwrap_or_default()
}

pub(crate) fn ids(answers: &[Value]) -> Vec<&str> {
    answers.iter().map(|answer| answer["custom_id"].as_str().unwrap()).collect()
}

/// Every row has exactly one line, in order, and no line is an error.
pub(crate) fn assert_whole(answers: &[Value], rows: usize) {
    assert_eq!(ids(answers), (0..rows).map(|n| format!("r{n}")).collect::<Vec<_>>());
    assert!(answers.iter().all(|answer| answer["error"].is_null()), "{answers:?}");
}

/// Sends a signal to a process that the test started.
pub(crate) fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap().success());
}
