//! A planned batch in the hands of this process: taken, checked against its file, and given back with how it ended.

use std::sync::Arc;

use tokio::sync::watch;

use super::input::InputFile;
use super::{Ended, Gateways, Job, Options, Progress, Route, Stored, TIMING, hand_over, run, write_rest};
use crate::domain::batch::{BatchRecord, BatchState, BatchVia};
use crate::domain::{Account, Clock, Problem, Provider, Tick};
use crate::store::{BatchBook, BatchClaim, BatchRow, DataDir};
use crate::upstream::HttpUpstream;

/// A batch that this process runs, and nobody else.
pub struct Claimed {
    dir: DataDir,
    claim: BatchClaim,
    record: BatchRecord,
    clock: Arc<dyn Clock>,
    began: Tick,
}

/// Takes a batch to run it. The rows that were in flight when its last run ended without a word are named: they are sent again.
///
/// # Errors
/// Another process has it, its input is not what it was, or the journal cannot be read.
pub fn claim(
    dir: &DataDir,
    record: &BatchRecord,
    account: &Account,
    gateways: Arc<dyn Gateways>,
    clock: &Arc<dyn Clock>,
    options: Options,
) -> Result<(Claimed, Job, Vec<BatchRow>), Problem> {
    let id = record.id;
    let Some(claim) = dir.claim_batch(id)? else {
        return Err(Problem::new(format!("batch {} is being run by another process", id.0)).hint("see `tierline batch list`"));
    };
    let mut book = BatchBook::open(dir)?;
    let input = InputFile::open(&record.input)?;
    let stored = Stored::of(&book, record)?;
    if stored.print.as_ref().is_none_or(|print| input.has_changed(print).unwrap_or(true)) {
        return Err(Problem::new(format!("the input {} has changed since batch {} was planned", record.input.display(), id.0))
            .hint(format!("put it back as it was, or cancel the batch (tierline batch cancel {}) and run the new file", id.0)));
    }
    let in_flight = book.recover(id)?;
    book.set_state(id, BatchState::Running, None, clock.now())?;
    let reading = stored.reading(account, record.via, &input)?;
    let record = book.batch(id)?;
    let claimed = Claimed { dir: dir.clone(), claim, record: record.clone(), clock: Arc::clone(clock), began: clock.now().tick };
    let job = Job {
        record,
        book,
        input,
        reading,
        route: route(account, client(id.0)),
        gateways,
        upstream: Arc::new(HttpUpstream::new(TIMING)),
        clock: Arc::clone(clock),
        options,
    };
    Ok((claimed, job, in_flight))
}

/// Runs a batch that was taken, on the way that was chosen for it, to its end or until something stops it.
///
/// # Errors
/// The journal or the output cannot be written.
pub async fn go(job: Job, stop: watch::Receiver<u8>, observer: &mut dyn FnMut(&Progress)) -> Result<Ended, Problem> {
    match job.record.via {
        BatchVia::Gateway => run(job, stop, observer).await,
        BatchVia::ProviderBatch => hand_over(job, stop, observer).await,
    }
}

impl Claimed {
    /// Gives it back, and writes down how the run ended.
    pub fn settle(self, ended: &Result<Ended, Problem>) -> Result<BatchRecord, Problem> {
        let Self { dir, claim, record, clock, began } = self;
        let book = BatchBook::open(&dir)?;
        let (state, reason) = match ended {
            Ok(ended) => ended.state(),
            Err(problem) => (BatchState::Paused, Some(problem.to_string())),
        };
        let now = clock.now();
        book.ran(record.id, now.tick.since(began).as_secs())?;
        book.set_state(record.id, state, reason.as_deref(), now)?;
        if !state.is_open() {
            claim.retire();
        }
        book.batch(record.id)
    }
}

/// Under which name a batch's rows stand in the traffic.
#[must_use]
pub fn client(id: i64) -> String {
    format!("batch-{id}")
}

/// Cancels a batch that nobody runs: the answers that there are go to the output.
pub async fn cancel(dir: &DataDir, record: &BatchRecord, clock: Arc<dyn Clock>) -> Result<(), Problem> {
    write_rest(BatchBook::open(dir)?, record, Arc::clone(&clock)).await?;
    BatchBook::open(dir)?.set_state(record.id, BatchState::Cancelled, None, clock.now())
}

fn route(account: &Account, client: String) -> Route {
    let path = match account.provider {
        Provider::Custom => format!("/custom/{}", account.label),
        provider => format!("/{}", provider.name()),
    };
    Route { client, id: account.id, account: account.label.clone(), provider: account.provider, dialect: account.dialect(), path }
}
