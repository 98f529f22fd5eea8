//! The thread that keeps a batch's journal and writes its output: steps of many rows in one transaction, lines in order.
//!
//! A row's line is in the journal from its answer until it is safely in the output. The output may run ahead of what the
//! journal knows of it: what is beyond is cut off at the next start and written again. That holds for lines in the order of
//! the rows and for lines as they came.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::domain::batch::{BatchId, BatchRecord, BatchWish};
use crate::domain::{Clock, Now, Problem, Tick};
use crate::store::{BatchBook, BatchRow, BatchStep};

/// The most steps that go into one transaction.
const STEPS: usize = 500;
/// How much of the output is read from the journal at a time.
const LINES_BYTES: usize = 4 << 20;
/// How often, and after which pause, a transaction is tried again.
const TRIES: u32 = 20;
const TRY_PAUSE: Duration = Duration::from_secs(1);
/// How often the output is made safe.
const SYNC: Duration = Duration::from_secs(1);

/// The way to the thread. It ends when this is dropped.
#[derive(Debug, Clone)]
pub(super) struct Keeper(mpsc::Sender<Order>);

type Reply<T> = oneshot::Sender<Result<T, Problem>>;

/// Something with the journal that nobody else may come between.
type Deed = Box<dyn FnOnce(&mut BatchBook, BatchId, Now) + Send>;

enum Order {
    Steps(Vec<BatchStep>, Reply<()>),
    Do(Deed),
    Look(Reply<Look>),
    Finish { gaps: bool, reply: Reply<()> },
}

/// How things stand, apart from the rows.
#[derive(Debug)]
pub(super) struct Look {
    /// What another process asks for.
    pub(super) wish: Option<BatchWish>,
    /// Why the output takes no lines. Nothing is lost by that.
    pub(super) trouble: Option<Problem>,
}

impl Keeper {
    /// Opens the output where the journal left it, and starts the thread.
    pub(super) fn start(book: BatchBook, record: &BatchRecord, clock: Arc<dyn Clock>) -> Result<Self, Problem> {
        let file = open_output(&record.output, record.output_bytes)?;
        let (tx, rx) = mpsc::channel(1_024);
        let keeping = Keeping {
            book,
            record: record.clone(),
            file,
            next: if record.ordered { record.written } else { 0 },
            written: record.written,
            bytes: record.output_bytes,
            is_safe: true,
            synced_at: clock.now().tick,
            trouble: None,
            clock,
        };
        thread::Builder::new()
            .name("batch-keeper".into())
            .spawn(move || keeping.run(rx))
            .map_err(|error| Problem::new("could not start the thread that keeps the journal").because(error))?;
        Ok(Self(tx))
    }

    /// Takes a step; it is on the disk afterwards.
    pub(super) async fn step(&self, step: BatchStep) -> Result<(), Problem> {
        self.steps(vec![step]).await
    }

    /// Takes steps together; they are on the disk afterwards.
    pub(super) async fn steps(&self, steps: Vec<BatchStep>) -> Result<(), Problem> {
        self.ask(|reply| Order::Steps(steps, reply)).await
    }

    /// The next rows to be sent, in order.
    pub(super) async fn rows(&self, after: Option<u64>, limit: u32) -> Result<Vec<BatchRow>, Problem> {
        self.with(move |book, id, _| book.open_rows(id, after, limit)).await
    }

    /// Does something with the journal.
    pub(super) async fn with<T: Send + 'static>(
        &self,
        deed: impl FnOnce(&mut BatchBook, BatchId, Now) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let done = |reply: Reply<T>| -> Deed {
            Box::new(move |book, id, now| {
                // whoever asked may have been given up
                let _ = reply.send(deed(book, id, now));
            })
        };
        self.ask(|reply| Order::Do(done(reply))).await
    }

    /// How things stand.
    pub(super) async fn look(&self) -> Result<Look, Problem> {
        self.ask(Order::Look).await
    }

    /// Writes every line that can be written, with `gaps` also those behind rows that will have none, and makes the output safe.
    pub(super) async fn finish(&self, gaps: bool) -> Result<(), Problem> {
        self.ask(|reply| Order::Finish { gaps, reply }).await
    }

    async fn ask<T>(&self, order: impl FnOnce(Reply<T>) -> Order) -> Result<T, Problem> {
        let gone = || Problem::new("the batch's journal is closed");
        let (reply, answer) = oneshot::channel();
        self.0.send(order(reply)).await.map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}

struct Keeping {
    book: BatchBook,
    record: BatchRecord,
    file: File,
    /// The line that comes next in the output: by its row, or by its place among those that came.
    next: u64,
    /// How many rows are in the output from the first, or, as they came, how many lines.
    written: u64,
    /// How long the output is.
    bytes: u64,
    /// Everything in the output is safe, and the journal knows it.
    is_safe: bool,
    synced_at: Tick,
    trouble: Option<Problem>,
    clock: Arc<dyn Clock>,
}

impl Keeping {
    fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        while let Some(first) = orders.blocking_recv() {
            let (mut steps, mut replies) = (Vec::new(), Vec::new());
            let mut next = Some(first);
            while let Some(order) = next.take() {
                if let Order::Steps(more, reply) = order {
                    steps.extend(more);
                    replies.push(reply);
                    if steps.len() < STEPS {
                        next = orders.try_recv().ok();
                    }
                    continue;
                }
                self.take(&mut steps, &mut replies);
                self.answer(order);
            }
            self.take(&mut steps, &mut replies);
        }
        // whoever drops the last handle without a finish has nothing more to be written in order
        let _ = self.sync();
    }

    fn take(&mut self, steps: &mut Vec<BatchStep>, replies: &mut Vec<Reply<()>>) {
        if steps.is_empty() {
            return;
        }
        let taken = self.take_patiently(steps);
        let ended = steps.iter().any(|step| matches!(step, BatchStep::Ended(_)));
        steps.clear();
        for reply in replies.drain(..) {
            // a row that was given up waits for no answer
            let _ = reply.send(taken.clone());
        }
        if ended && taken.is_ok() && self.trouble.is_none() {
            self.trouble = self.write(false).err();
        }
    }

    /// An answer that cannot be written down would be paid for twice: it is worth some waiting for a full or busy disk.
    fn take_patiently(&mut self, steps: &[BatchStep]) -> Result<(), Problem> {
        let mut taken = self.book.take(self.record.id, steps, self.clock.now());
        for _ in 0..TRIES {
            if taken.is_ok() {
                break;
            }
            thread::sleep(TRY_PAUSE);
            taken = self.book.take(self.record.id, steps, self.clock.now());
        }
        taken
    }

    fn answer(&mut self, order: Order) {
        let id = self.record.id;
        match order {
            Order::Steps(..) => {}
            Order::Do(deed) => deed(&mut self.book, id, self.clock.now()),
            Order::Look(reply) => {
                let synced = if self.trouble.is_none() { self.sync() } else { Ok(()) };
                self.trouble = self.trouble.take().or(synced.err());
                let _ = reply.send(self.book.wished(id).map(|wish| Look { wish, trouble: self.trouble.clone() }));
            }
            Order::Finish { gaps, reply } => {
                let trouble = self.trouble.take();
                let done = trouble.map_or(Ok(()), Err).and_then(|()| self.write(gaps)).and_then(|()| self.sync());
                let _ = reply.send(done);
            }
        }
    }

    /// Writes the lines whose turn it is.
    fn write(&mut self, gaps: bool) -> Result<(), Problem> {
        loop {
            let lines = if self.record.ordered {
                self.book.lines(self.record.id, self.next, LINES_BYTES, gaps)?
            } else {
                self.book.lines_that_came(self.record.id, self.next, LINES_BYTES)?
            };
            let Some((last, _)) = lines.last() else { return Ok(()) };
            let next = last + 1;
            let mut text = String::with_capacity(lines.iter().map(|(_, line)| line.len() + 1).sum());
            for (_, line) in &lines {
                text.push_str(line);
                text.push('\n');
            }
            self.file.write_all(text.as_bytes()).map_err(|error| unwritable(&self.record.output, &error))?;
            self.bytes += text.len() as u64;
            self.written = if self.record.ordered { next } else { self.written + lines.len() as u64 };
            self.next = next;
            self.is_safe = false;
            if self.clock.now().tick.since(self.synced_at) >= SYNC {
                self.sync()?;
            }
        }
    }

    fn sync(&mut self) -> Result<(), Problem> {
        if self.is_safe {
            return Ok(());
        }
        self.file.sync_data().map_err(|error| unwritable(&self.record.output, &error))?;
        if self.record.ordered {
            self.book.wrote(self.record.id, self.next, self.bytes)?;
        } else {
            self.book.wrote_that_came(self.record.id, self.written, self.next, self.bytes)?;
            // what came before is gone, and its places may be taken again
            self.next = 0;
        }
        self.is_safe = true;
        self.synced_at = self.clock.now().tick;
        Ok(())
    }
}

/// Makes the output of a new batch, empty.
///
/// # Errors
/// It is there already: what is in it is not ours to overwrite.
pub fn create_output(path: &Path) -> Result<(), Problem> {
    OpenOptions::new().write(true).create_new(true).open(path).map(drop).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Problem::new(format!("the output {} is there already", path.display())).hint("name another with --out, or move it away")
        }
        _ => unwritable(path, &error),
    })
}

/// Writes the answers that a batch has to its output, without those that it will never have.
pub async fn write_rest(book: BatchBook, record: &BatchRecord, clock: Arc<dyn Clock>) -> Result<(), Problem> {
    Keeper::start(book, record, clock)?.finish(true).await
}

fn open_output(path: &Path, length: u64) -> Result<File, Problem> {
    let failed = |error| unwritable(path, &error);
    let mut file = OpenOptions::new().write(true).create(length == 0).truncate(false).open(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?.len();
    if found < length {
        return Err(Problem::new(format!("the output {} has {found} bytes, and {length} were written to it", path.display()))
            .hint("put it back as it was, or cancel the batch and run it into another file"));
    }
    file.set_len(length).map_err(failed)?;
    file.seek(SeekFrom::End(0)).map_err(failed)?;
    Ok(file)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Problem {
    let problem = Problem::new(format!("the output {} could not be written", path.display())).because(error);
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            problem.hint("free some disk space and run the batch again; no answer is lost")
        }
        _ => problem.hint("no answer is lost: run the batch again when it can be written"),
    }
}
