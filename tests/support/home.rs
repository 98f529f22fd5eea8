//! The real program with a data folder of its own, and nothing of the environment that the tests run in.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// A folder that ends with the test; the program keeps its files in a folder below.
pub(crate) struct Home {
    temp: TempDir,
    vars: Vec<(String, String)>,
    started: AtomicUsize,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// With these variables in the program's environment.
    pub(crate) fn with(vars: &[(&str, &str)]) -> Self {
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { temp: tempfile::tempdir().unwrap(), vars, started: AtomicUsize::new(0) }
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.vars.retain(|(known, _)| known != name);
        self.vars.push((name.to_owned(), value.to_owned()));
    }

    /// Where the program keeps its files.
    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// A name beside the data folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    /// The program, ready to be started.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tierline"));
        command.args(args).env_clear().env("HOME", self.temp.path()).env("TMPDIR", self.temp.path()).env("TIERLINE_DATA_DIR", self.data());
        // no keyring of whoever runs the tests
        command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", self.path("no-bus").display()));
        command.envs(self.vars.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
        command
    }

    /// Runs a command line without quotes to its end.
    pub(crate) fn run(&self, line: &str) -> Ran {
        Ran::of(&mut self.command(line.split_whitespace()))
    }

    /// The same with something on standard input.
    pub(crate) fn fed(&self, line: &str, input: impl AsRef<[u8]>) -> Ran {
        let mut command = self.command(line.split_whitespace());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // a program that refuses its arguments does not read
        let _ = child.stdin.take().unwrap().write_all(input.as_ref());
        let output = child.wait_with_output().unwrap();
        Ran::new(output.status, &output.stdout, &output.stderr)
    }

    /// Starts a command that runs until it is stopped, and waits for its first line.
    pub(crate) fn start(&self, line: &str) -> Running {
        let n = self.started.fetch_add(1, Ordering::Relaxed);
        let (out, err) = (self.path(&format!("stdout-{n}")), self.path(&format!("stderr-{n}")));
        let mut command = self.command(line.split_whitespace());
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        let mut running = Running { child: command.spawn().unwrap(), out, err, first: String::new() };
        running.first = until("the first line", || {
            let out = fs::read_to_string(&running.out).unwrap();
            if let Some((first, _)) = out.split_once('\n') {
                return Some(first.to_owned());
            }
            let ended = running.child.try_wait().unwrap();
            assert!(ended.is_none(), "{line} ended: {}", fs::read_to_string(&running.err).unwrap());
            None
        });
        running
    }

    /// The gateway on a free port, with keys from the environment.
    pub(crate) fn serve(&self) -> Running {
        self.start("serve --vault env --listen 127.0.0.1:0")
    }

    /// Adds an account whose key is in this variable.
    pub(crate) fn add_account(&self, provider: &str, label: &str, base_url: &str, variable: &str) {
        let line = format!("accounts add --vault env --provider {provider} --label {label} --base-url {base_url} --key-env {variable}");
        self.run(&line).done();
    }

    /// A new token for a client of this name.
    pub(crate) fn token(&self, client: &str) -> String {
        self.run(&format!("token new --client {client}")).done().trim().to_owned()
    }

    /// An export as JSON.
    pub(crate) fn exported(&self, what: &str) -> Vec<Value> {
        let text = self.run(&format!("export --what {what} --format json --out -")).done();
        serde_json::from_str(&text).unwrap()
    }
}

/// A command that ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self::new(output.status, &output.stdout, &output.stderr)
    }

    pub(crate) fn new(status: ExitStatus, out: &[u8], err: &[u8]) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { status, out: text(out), err: text(err) }
    }

    /// What it printed, having done what it was asked without a word on stderr.
    #[track_caller]
    pub(crate) fn done(self) -> String {
        assert_eq!((self.status.code(), self.err.as_str()), (Some(0), ""), "{self:?}");
        self.out
    }

    /// The one JSON document that it printed, having done what it was asked.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        let out = self.done();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }

    /// It failed, and says so in one line with these words.
    #[track_caller]
    pub(crate) fn failed(self, words: &[&str]) {
        assert_eq!((self.status.code(), self.out.as_str()), (Some(1), ""), "{self:?}");
        assert!(self.err.starts_with("tierline: ") && self.err.lines().count() == 1, "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "no {word:?} in {self:?}");
        }
    }
}

/// A command that runs until it is stopped. It is killed with the test.
pub(crate) struct Running {
    child: Child,
    out: PathBuf,
    err: PathBuf,
    first: String,
}

impl Running {
    /// The URL in its first line.
    pub(crate) fn url(&self) -> &str {
        let from = self.first.find("http://").unwrap();
        self.first[from..].trim_end_matches(['"', '}'])
    }

    pub(crate) fn first_line(&self) -> &str {
        &self.first
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        // the shell has `kill` built in, whatever the machine lacks
        let asked = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status().unwrap();
        assert!(asked.success());
    }

    /// Waits until it has ended.
    pub(crate) fn ended(mut self) -> Ran {
        let status = until("the end of the program", || self.child.try_wait().unwrap());
        assert_eq!(status.signal(), None, "it ended by itself");
        Ran::new(status, &fs::read(&self.out).unwrap(), &fs::read(&self.err).unwrap())
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(self) -> Ran {
        self.terminate();
        self.ended()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks again and again until there is something to see, for a limited time.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..2_000 {
        if let Some(seen) = look() {
            return seen;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("waited 20 s for {what}");
}

/// Every file below a folder that has these bytes in it.
pub(crate) fn files_with(folder: &Path, needle: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files_with(&entry.path(), needle));
        } else if kind.is_file() && memchr::memmem::find(&fs::read(entry.path()).unwrap(), needle).is_some() {
            found.push(entry.path());
        }
    }
    found
}
