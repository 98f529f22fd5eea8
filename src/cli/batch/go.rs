//! Runs a planned batch in this process, and writes down how that ended.

use std::io::Write;
use std::sync::Arc;

use tokio::sync::watch;

use super::super::context::Context;
use super::super::{Done, serve};
use super::gateways::ForBatch;
use super::show;
use crate::batch::{self, Ended, Options, Progress, run};
use crate::domain::Problem;
use crate::domain::batch::BatchRecord;

/// Runs it to its end, or until something stops it.
pub(super) fn go(context: &Context, record: &BatchRecord, options: Options, out: &mut dyn Write) -> Result<Done, Problem> {
    let account = context.reader()?.account(&record.account)?;
    let gateways = Arc::new(ForBatch::new(context, account.id, batch::client(record.id.0)));
    let (claimed, job, in_flight) = batch::claim(&context.dir, record, &account, gateways.clone(), &context.clock, options)?;
    if !in_flight.is_empty() {
        show::resent(context, &in_flight, out)?;
    }
    let mut meter = show::Meter::new(context.json);
    let ended = serve::runtime()?.block_on(async {
        let (asked, stop) = watch::channel(0_u8);
        let signals = tokio::spawn(async move {
            loop {
                serve::signal().await;
                asked.send_modify(|times| *times = times.saturating_add(1));
            }
        });
        let ended = run(job, stop, &mut |progress: &Progress| meter.show(progress, out)).await;
        signals.abort();
        let closed = gateways.close().await;
        ended.and_then(|ended| closed.map(|()| ended))
    });
    let record = claimed.settle(&ended)?;
    let ended = ended?;
    show::ended(context, &record, &mut meter, out)?;
    Ok(if matches!(ended, Ended::Paused(_)) { Done::Found } else { Done::Well })
}

/// Cancels a batch that nobody runs.
pub(super) fn cancel(context: &Context, record: &BatchRecord) -> Result<(), Problem> {
    serve::runtime()?.block_on(batch::cancel(&context.dir, record, Arc::clone(&context.clock)))
}
