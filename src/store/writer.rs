//! The one thread that writes, and the handle through which everybody gives it work without waiting for the disk.

use std::mem;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::Notify;

use super::data_dir::DataDir;
use super::failure::failed;
use super::modes;
use super::open;
use super::reader::Reader;
use super::transaction::{self, Identities};
use super::write::Write;
use crate::domain::{Clock, Notice, Problem};

/// The most that goes into one transaction.
const BATCH: usize = 500;
/// How many orders may wait for the disk.
const QUEUE: usize = 16_384;
/// How long somebody who needs an answer waits for it: longer than a statement waits for another process.
const PATIENCE: Duration = Duration::from_secs(10);
/// The first and the longest pause before a batch is tried again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Writes the history. Cheap to clone; the thread ends when the last clone is gone, or at [`close`](Self::close).
#[derive(Debug, Clone)]
pub struct Store {
    dir: DataDir,
    tx: SyncSender<Order>,
    shared: Arc<Shared>,
}

/// The queue was full or the writer is gone; what was given is lost, and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the history could not take this row; the disk is too slow or does not take writes")]
pub struct Dropped;

/// How the writer fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreHealth {
    /// Whether what is given gets written.
    pub state: StoreState,
    /// How many were lost since the start: queue full, or not accepted by the database.
    pub dropped: u64,
    /// How many were written since the start.
    pub written: u64,
}

impl StoreHealth {
    /// What people are told while it does not write.
    #[must_use]
    pub fn unrecorded(&self) -> Option<String> {
        let StoreState::Stalled(reason) = &self.state else { return None };
        Some(format!("the history is not being written: {reason}; requests go on ({} rows lost so far)", self.dropped))
    }
}

/// Whether the writer writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreState {
    /// It does.
    Ok,
    /// It does not for now, for this reason; it keeps trying.
    Stalled(String),
}

#[derive(Debug, Default)]
struct Shared {
    dropped: AtomicU64,
    written: AtomicU64,
    stalled: Mutex<Option<String>>,
    closing: AtomicBool,
    /// Told when the writer stalls and when it goes on.
    changed: Notify,
}

type Call = Box<dyn FnOnce(&mut Connection) + Send>;

enum Order {
    Write(Write),
    /// Something rare for which somebody waits.
    Call(Call),
    /// Finish: everything before this was written or given up.
    Close(SyncSender<()>),
}

impl Store {
    /// Opens the database, brings it to the present version and starts the thread `store-writer`. A corrupt database is moved
    /// aside and a notice says so.
    ///
    /// # Errors
    /// The database is from a newer Tierline (then nothing is changed), or cannot be opened.
    pub fn open(dir: &DataDir, clock: &dyn Clock) -> Result<(Self, Vec<Notice>), Problem> {
        let (db, notices) = open::open(dir, clock.now().wall)?;
        db.set_prepared_statement_cache_capacity(64);
        let shared = Arc::<Shared>::default();
        let (tx, rx) = sync_channel(QUEUE);
        let path = dir.database();
        let file =
            modes::identity(&path).map_err(|e| Problem::new(format!("the database {} cannot be found", path.display())).because(e))?;
        let writer = Writer { db, path, file, shared: Arc::clone(&shared), identities: Identities::new() };
        thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || {
                let _ended = Ended(Arc::clone(&writer.shared));
                writer.run(rx);
            })
            .map_err(|e| Problem::new("could not start the thread that writes the history").because(e))?;
        Ok((Self { dir: dir.clone(), tx, shared }, notices))
    }

    /// Hands over something to be written, without waiting.
    ///
    /// # Errors
    /// [`Dropped`] if it could not be taken. It is counted in [`health`](Self::health).
    pub fn write(&self, write: Write) -> Result<(), Dropped> {
        self.tx.try_send(Order::Write(write)).map_err(|_| {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            Dropped
        })
    }

    /// How the writer fares.
    #[must_use]
    pub fn health(&self) -> StoreHealth {
        StoreHealth {
            state: self.shared.stalled().clone().map_or(StoreState::Ok, StoreState::Stalled),
            dropped: self.shared.dropped.load(Ordering::Relaxed),
            written: self.shared.written.load(Ordering::Relaxed),
        }
    }

    /// Waits until the writer stalls, or goes on.
    pub async fn changed(&self) {
        self.shared.changed.notified().await;
    }

    /// A new read-only connection.
    pub fn reader(&self) -> Result<Reader, Problem> {
        Reader::open(&self.dir)
    }

    /// Waits until everything handed over so far is in the database. Blocks: not for a task of the runtime.
    pub fn flush(&self) -> Result<(), Problem> {
        self.call(|_| Ok(()))
    }

    /// Writes what waits, moves the log into the database and ends the thread. Blocks. Rows that come later are dropped.
    ///
    /// # Errors
    /// The disk did not take everything in time.
    pub fn close(&self) -> Result<(), Problem> {
        let (done, wait) = sync_channel(1);
        match self.tx.try_send(Order::Close(done)) {
            Ok(()) => {}
            Err(TrySendError::Disconnected(_)) => return Ok(()),
            Err(TrySendError::Full(_)) => {
                self.shared.closing.store(true, Ordering::Relaxed);
                return Err(self.no_answer("close the history"));
            }
        }
        let closed = wait.recv_timeout(PATIENCE);
        // a writer that is stuck gives up after the present attempt
        self.shared.closing.store(true, Ordering::Relaxed);
        closed.map_err(|_| self.no_answer("close the history"))
    }

    /// Runs something rare on the writer's connection, after everything handed over before it, and waits for its answer.
    pub(super) fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (answer, wait) = sync_channel(1);
        let asker = Arc::new(());
        let asker_is_there = Arc::downgrade(&asker);
        let call: Call = Box::new(move |db| {
            // who has given up was told that nothing was done
            if Weak::upgrade(&asker_is_there).is_some() {
                let _ = answer.try_send(work(db));
            }
        });
        if self.tx.try_send(Order::Call(call)).is_err() {
            return Err(self.no_answer("change the database"));
        }
        match wait.recv_timeout(PATIENCE) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(self.no_answer("change the database")),
        }
    }

    fn no_answer(&self, doing: &str) -> Problem {
        let problem = Problem::new(format!("could not {doing} in time"));
        let reason = self.shared.stalled().clone();
        problem.because(reason.as_deref().unwrap_or("the writer is busy"))
    }
}

impl Shared {
    fn stalled(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.stalled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says so when the writer ends, in whichever way.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        *self.0.stalled() = Some("the writer has ended; start Tierline again".into());
    }
}

struct Writer {
    db: Connection,
    path: PathBuf,
    /// Which file was opened.
    file: (u64, u64),
    shared: Arc<Shared>,
    identities: Identities,
}

impl Writer {
    fn run(mut self, rx: Receiver<Order>) {
        let mut batch = Vec::new();
        let mut closed = None;
        while let Ok(first) = rx.recv() {
            let mut next = Some(first);
            while let Some(order) = next {
                match order {
                    Order::Write(write) => batch.push(write),
                    Order::Call(call) => {
                        self.commit(&mut batch);
                        call(&mut self.db);
                    }
                    Order::Close(done) => {
                        closed = Some(done);
                        break;
                    }
                }
                next = if batch.len() < BATCH { rx.try_recv().ok() } else { None };
            }
            self.commit(&mut batch);
            if closed.is_some() {
                break;
            }
        }
        // what came after the order to close is not written, and who writes from now on is told so at once
        let late = rx.try_iter().filter(|order| matches!(order, Order::Write(_))).count();
        self.shared.dropped.fetch_add(late as u64, Ordering::Relaxed);
        drop(rx);
        // closing the last connection moves the log into the database
        drop(self.db);
        if let Some(done) = closed {
            let _ = done.try_send(());
        }
    }

    /// SQLite goes on writing to a file that was deleted, which nobody would ever read.
    fn write(&mut self, batch: &[Write]) -> Result<transaction::Outcomes, String> {
        if !modes::identity(&self.path).is_ok_and(|file| file == self.file) {
            return Err(format!("the database {} was moved or deleted; put it back, or start Tierline again", self.path.display()));
        }
        transaction::write(&mut self.db, batch, &mut self.identities).map_err(|error| failed("write the history")(error).to_string())
    }

    /// Writes the batch, however long the disk takes; gives it up only when the app closes.
    fn commit(&mut self, batch: &mut Vec<Write>) {
        let batch = mem::take(batch);
        let mut pause = PAUSES.0;
        while !batch.is_empty() {
            match self.write(&batch) {
                Ok(outcomes) => {
                    self.shared.written.fetch_add(outcomes.written, Ordering::Relaxed);
                    self.shared.dropped.fetch_add(outcomes.rejected, Ordering::Relaxed);
                    if self.shared.stalled().take().is_some() {
                        tracing::info!("the history is written again");
                        self.shared.changed.notify_one();
                    }
                    return;
                }
                Err(reason) => {
                    let before = self.shared.stalled().replace(reason.clone());
                    if before.as_ref() != Some(&reason) {
                        tracing::warn!("{reason}");
                        self.shared.changed.notify_one();
                    }
                }
            }
            if self.shared.closing.load(Ordering::Relaxed) {
                self.shared.dropped.fetch_add(batch.len() as u64, Ordering::Relaxed);
                return;
            }
            thread::sleep(pause);
            pause = (pause * 2).min(PAUSES.1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::domain::{AccountId, Dimension, ModelClass, Pool, Reading, RequestId, Snapshot};

    fn snapshot(size: usize) -> Write {
        let mut snapshot = Snapshot::empty(jiff::Timestamp::UNIX_EPOCH, 200);
        let reading = Reading {
            dimension: Dimension::Requests,
            period: None,
            pool: Pool::Standard,
            limit: Some(1),
            remaining: None,
            full_at: None,
            grain: 0,
        };
        snapshot.readings = vec![reading; size];
        Write::Answered { id: RequestId(1), account: AccountId(1), class: ModelClass::any(), snapshot: Arc::new(snapshot) }
    }

    fn wait_until(store: &Store, wanted: impl Fn(&StoreHealth) -> bool) {
        for _ in 0..6_000 {
            if wanted(&store.health()) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("never: {:?}", store.health());
    }

    #[test]
    fn a_full_disk_is_said_and_got_over() {
        let temp = tempfile::tempdir().unwrap();
        let dir = DataDir::open(Some(&temp.path().join("data"))).unwrap();
        let (store, _) = Store::open(&dir, &SystemClock::new()).unwrap();
        store.write(snapshot(2_000)).unwrap();
        store.flush().unwrap();
        // the database may not grow any more, which SQLite reports as it reports a full disk
        store
            .call(|db| {
                let pages: i64 = db.query_row("PRAGMA page_count", [], |row| row.get(0)).map_err(failed("count"))?;
                db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).map_err(failed("limit"))
            })
            .unwrap();
        store.write(snapshot(1_000)).unwrap();
        wait_until(&store, |health| matches!(&health.state, StoreState::Stalled(why) if why.contains("free some disk space")));

        Connection::open(dir.database()).unwrap().execute("DELETE FROM snapshots", []).unwrap();
        wait_until(&store, |health| health.state == StoreState::Ok && health.written == 2);
        assert_eq!(store.health().dropped, 0);
    }
}
