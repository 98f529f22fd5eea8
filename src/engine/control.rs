//! The way for other Tierline processes of the same user to talk to the one that serves: a socket in the data folder.
//!
//! Who can open the socket can read the database beside it: its folder is closed to others. One JSON line each way.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::collected::Collected;
use super::give_way::GiveWay;
use super::lesson::Lesson;
use super::registry::Registry;
use crate::domain::budget::BudgetView;
use crate::domain::view::{BucketView, WaitingView};
use crate::domain::{AccountId, ClientName, Problem};
use crate::limiter::Limiter;

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// How things stand.
    Status,
    /// Accounts, tokens or limits were changed in the database.
    Reload,
    /// Show the window.
    Show,
    /// Another process wants to serve from this data folder.
    GiveWay,
    /// An answer that another process got said this about limits.
    Teach(Box<Lesson>),
    /// Rows that a provider's batch API answered wait for their place in the history.
    Collect,
    /// Let the next request of an account (of all, if none is named) try at once what keeps failing or was stopped.
    TryNow(Option<AccountId>),
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// How things stand.
    Status {
        /// Where the gateway listens.
        gateway: Option<String>,
        /// Every bucket.
        buckets: Vec<BucketView>,
        /// The queue.
        waiting: Vec<WaitingView>,
        /// How many requests each client has in the queue, of which `waiting` lists the next to go.
        #[serde(default)]
        queued: BTreeMap<ClientName, u64>,
        /// Every budget.
        #[serde(default)]
        budgets: Vec<BudgetView>,
        /// Why the history is not being written, if so.
        #[serde(default)]
        unrecorded: Option<String>,
    },
    /// It was done.
    Done,
    /// What the next requests will try, a line each.
    Trying(Vec<String>),
    /// It could not be done.
    Failed(Problem),
}

const SOCKET: &str = "control.sock";
/// No request is longer.
const REQUEST_BYTES: u64 = 64 * 1024;

/// Answers until it is aborted.
#[cfg(unix)]
pub(super) async fn listen(
    dir: PathBuf,
    registry: Registry,
    limiter: Limiter,
    collected: Collected,
    give_way: GiveWay,
    gateway: Option<String>,
    shows: watch::Sender<()>,
) {
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

    let path = dir.join(SOCKET);
    // the instance lock is held: a socket that is there was left behind
    let _ = std::fs::remove_file(&path);
    let listener = match private_listener(&path) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(%error, "no control socket; `tierline status` shows what was saved last");
            return;
        }
    };
    while let Ok((stream, _)) = listener.accept().await {
        let (registry, limiter, gateway) = (registry.clone(), limiter.clone(), gateway.clone());
        let (collected, give_way, shows) = (collected.clone(), give_way.clone(), shows.clone());
        tokio::spawn(async move {
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            if (&mut stream).take(REQUEST_BYTES).read_line(&mut line).await.is_err() {
                return;
            }
            let answer = match serde_json::from_str(&line) {
                Ok(Request::Status) => {
                    let unrecorded = registry.store().health().unrecorded();
                    limiter.with(|core, now| Answer::Status {
                        gateway,
                        buckets: core.buckets(now),
                        waiting: core.queue(now),
                        queued: core.queued(),
                        budgets: core.budgets(now),
                        unrecorded,
                    })
                }
                Ok(Request::Reload) => match registry.reload().await {
                    Ok(()) => {
                        tokio::spawn(async move { registry.unlock_keys().await });
                        Answer::Done
                    }
                    Err(problem) => Answer::Failed(problem),
                },
                Ok(Request::Show) => match shows.send(()) {
                    Ok(()) => Answer::Done,
                    Err(_) => Answer::Failed(Problem::new("this Tierline serves without a window")),
                },
                Ok(Request::GiveWay) if give_way.ask() => Answer::Done,
                Ok(Request::GiveWay) => Answer::Failed(Problem::new("this Tierline serves for more than a batch")),
                Ok(Request::Teach(lesson)) => {
                    lesson.teach(&limiter);
                    Answer::Done
                }
                Ok(Request::Collect) => collected.take().await.map_or_else(Answer::Failed, |()| Answer::Done),
                Ok(Request::TryNow(account)) => Answer::Trying(limiter.with(|core, now| core.try_now(account, now))),
                Err(error) => Answer::Failed(Problem::new("this Tierline does not know the request").because(error)),
            };
            let mut text = serde_json::to_vec(&answer).unwrap_or_default();
            text.push(b'\n');
            // the asker may have given up
            let _ = stream.get_mut().write_all(&text).await;
        });
    }
}

#[cfg(unix)]
fn private_listener(path: &Path) -> std::io::Result<tokio::net::UnixListener> {
    use std::os::unix::fs::PermissionsExt;

    let listener = tokio::net::UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Whether the socket's path is short enough for the system; where it is not, commands cannot talk to the process that serves.
pub(super) fn fits(dir: &Path) -> Result<(), Problem> {
    let (length, most) = (dir.join(SOCKET).as_os_str().len(), if cfg!(target_os = "macos") { 103 } else { 107 });
    if cfg!(not(unix)) || length <= most {
        return Ok(());
    }
    Err(Problem::new(format!("the path of the control socket has {length} bytes, {most} are possible"))
        .because("`tierline status` and other commands cannot reach the process that serves")
        .hint("name a folder with a shorter path with --data-dir"))
}

/// Takes the socket away when nobody will answer any more.
pub(super) fn close(dir: &Path) {
    // one that stays behind refuses connections, and the next process that serves replaces it
    let _ = std::fs::remove_file(dir.join(SOCKET));
}

/// Other platforms have no such socket yet: commands read what was saved last.
#[cfg(not(unix))]
pub(super) async fn listen(_: PathBuf, _: Registry, _: Limiter, _: Collected, _: GiveWay, _: Option<String>, _: watch::Sender<()>) {}

/// Asks the process that serves from this data folder; `None` if none does.
#[cfg(unix)]
#[must_use]
pub fn ask(dir: &Path, request: &Request) -> Option<Answer> {
    use std::io::{BufRead, BufReader, Write};

    let mut stream = std::os::unix::net::UnixStream::connect(dir.join(SOCKET)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut text = serde_json::to_vec(request).ok()?;
    text.push(b'\n');
    stream.write_all(&text).ok()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    serde_json::from_str(&line).ok()
}

/// Other platforms have no such socket yet.
#[cfg(not(unix))]
#[must_use]
pub fn ask(_: &Path, _: &Request) -> Option<Answer> {
    let _ = Duration::ZERO;
    None
}
