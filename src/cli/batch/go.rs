//! Runs a planned batch in this process, and writes down how that ended.

use std::io::Write;
use std::sync::Arc;

use tokio::sync::watch;

use super::super::context::Context;
use super::super::{Done, serve};
use super::gateways::ForBatch;
use super::plan::Stored;
use super::show;
use crate::batch::input::InputFile;
use crate::batch::{Ended, Job, Options, Progress, Route, TIMING, hand_over, run};
use crate::domain::batch::{BatchRecord, BatchState, BatchVia, BatchWish};
use crate::domain::{Account, Problem, Provider};
use crate::store::BatchBook;
use crate::upstream::HttpUpstream;

/// Runs it to its end, or until something stops it.
pub(super) fn go(
    context: &Context,
    mut book: BatchBook,
    record: &BatchRecord,
    options: Options,
    wish: Option<BatchWish>,
    out: &mut dyn Write,
) -> Result<Done, Problem> {
    let id = record.id;
    let Some(claim) = context.dir.claim_batch(id)? else {
        return Err(Problem::new(format!("batch {} is being run by another process", id.0)).hint("see `tierline batch list`"));
    };
    let account = context.reader()?.account(&record.account)?;
    let input = InputFile::open(&record.input)?;
    let stored = Stored::of(&book, record)?;
    if stored.print.as_ref().is_none_or(|print| input.has_changed(print).unwrap_or(true)) {
        return Err(Problem::new(format!("the input {} has changed since batch {} was planned", record.input.display(), id.0))
            .hint(format!("put it back as it was, or cancel the batch (tierline batch cancel {}) and run the new file", id.0)));
    }
    let in_flight = book.recover(id)?;
    if !in_flight.is_empty() {
        show::resent(context, &in_flight, out)?;
    }
    book.set_state(id, BatchState::Running, None, context.clock.now())?;
    wish.map_or(Ok(()), |wish| book.wish(id, wish))?;
    let reading = stored.reading(&account, record.via, &input)?;
    let client = format!("batch-{}", id.0);
    let gateways = Arc::new(ForBatch::new(context, account.id, client.clone()));
    let job = Job {
        record: book.batch(id)?,
        book,
        input,
        reading,
        route: route(&account, client),
        gateways: gateways.clone(),
        upstream: Arc::new(HttpUpstream::new(TIMING)),
        clock: Arc::clone(&context.clock),
        options,
    };
    let mut meter = show::Meter::new(context.json);
    let ended = serve::runtime()?.block_on(async {
        let (asked, stop) = watch::channel(0_u8);
        let signals = tokio::spawn(async move {
            loop {
                serve::signal().await;
                asked.send_modify(|times| *times = times.saturating_add(1));
            }
        });
        let mut observer = |progress: &Progress| meter.show(progress, out);
        let ended = match record.via {
            BatchVia::Gateway => run(job, stop, &mut observer).await,
            BatchVia::ProviderBatch => hand_over(job, stop, &mut observer).await,
        };
        signals.abort();
        let closed = gateways.close().await;
        ended.and_then(|ended| closed.map(|()| ended))
    });
    let book = BatchBook::open(&context.dir)?;
    let (state, reason) = match &ended {
        Ok(ended) => ended.state(),
        Err(problem) => (BatchState::Paused, Some(problem.to_string())),
    };
    book.set_state(id, state, reason.as_deref(), context.clock.now())?;
    let ended = ended?;
    if !state.is_open() {
        claim.retire();
    }
    show::ended(context, &book.batch(id)?, &book.open_parts(id)?, &book.in_flight(id)?, &mut meter, out)?;
    Ok(if matches!(ended, Ended::Paused(_)) { Done::Found } else { Done::Well })
}

/// Cancels a batch that nobody runs: the answers that there are go to the output.
pub(super) fn cancel(context: &Context, record: &BatchRecord) -> Result<(), Problem> {
    let book = BatchBook::open(&context.dir)?;
    serve::runtime()?.block_on(crate::batch::write_rest(book, record, Arc::clone(&context.clock)))?;
    BatchBook::open(&context.dir)?.set_state(record.id, BatchState::Cancelled, None, context.clock.now())
}

fn route(account: &Account, client: String) -> Route {
    let path = match account.provider {
        Provider::Custom => format!("/custom/{}", account.label),
        provider => format!("/{}", provider.name()),
    };
    Route { client, account: account.label.clone(), dialect: account.dialect(), path }
}
