//! What a batch will take: its rows by model, against the limits that its account has now, at what answers took of late.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::batch::finish_hours;
use crate::batch::input::{Scan, Tally};
use crate::catalog::Catalog;
use crate::domain::batch::{BatchEstimate, BatchVia};
use crate::domain::plan::{BatchTime, Demand, Prices};
use crate::domain::view::BucketView;
use crate::domain::{Account, Limit, ModelClass, ModelId, Problem, Usage};
use crate::planner::{self, Choice, Counting};
use crate::store::{Reader, RecordedLoad};

/// How far back recorded answers are looked at.
const RECENT: Duration = Duration::from_secs(7 * 86_400);
/// Of an answer's length nothing is known where no row sets a maximum and none was recorded.
const UNKNOWN_OUTPUT: u64 = 1_000;

/// What estimates rest on: the buckets as they stand, and what was answered of late.
#[derive(Debug)]
pub struct Grounds {
    buckets: Vec<BucketView>,
    recorded: Vec<RecordedLoad>,
    pub(super) now: Timestamp,
}

impl Grounds {
    /// Those of now.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn new(reader: &Reader, buckets: Vec<BucketView>, now: Timestamp) -> Result<Self, Problem> {
        let recorded = reader.recorded_load(now.saturating_sub(RECENT).unwrap_or(now))?;
        Ok(Self { buckets, recorded, now })
    }

    /// Works it out for this way. What no limit and no price is known for stays unknown. Nobody says how long a provider's batch
    /// API takes within the hours that it promises.
    #[must_use]
    pub fn estimate(&self, account: &Account, scan: &Scan, via: BatchVia) -> BatchEstimate {
        let catalog = Catalog::bundled();
        let dialect = account.dialect();
        let mut sum = BatchEstimate { cost_nanos: Some(0), most_cost_nanos: Some(0), ..BatchEstimate::default() };
        // models that share buckets take their turns, others run beside each other
        let mut times: BTreeMap<ModelClass, (f64, f64, Option<String>)> = BTreeMap::new();
        let mut untimed = scan.models.is_empty() || via == BatchVia::ProviderBatch;
        for (model, tally) in &scan.models {
            let class = catalog.class_of(dialect, model);
            let (demand, how) = self.demand(account, model, tally);
            let (limits, whence) = self.limits(account, &class);
            let choice = Choice { name: class.to_string(), title: class.to_string(), limits };
            let plan = planner::plan(&demand, Counting::of(dialect, model), &[choice], None, &Prices::default());
            match plan.fits.first().and_then(|fit| Some((fit.batch?, fit.binding.clone()))) {
                Some((BatchTime { least_secs, expected_secs }, binding)) => {
                    let time = times.entry(class.clone()).or_default();
                    (time.0, time.1) = (time.0 + least_secs, time.1 + expected_secs);
                    time.2 = time.2.take().or(binding);
                }
                None => untimed = true,
            }
            let cost = |input: u64, output: u64| {
                let usage = Usage { input, output, ..Usage::default() };
                let service = (via == BatchVia::ProviderBatch).then_some("batch");
                let price = catalog.price_at_service(dialect, model, service, self.now, usage.input)?;
                Some(price.cost_nanos(&usage)?.saturating_mul(tally.rows))
            };
            let add = |sum: Option<u64>, more: Option<u64>| sum.zip(more).map(|(sum, more)| sum.saturating_add(more));
            sum.cost_nanos = add(sum.cost_nanos, cost(demand.input_tokens, demand.output_tokens));
            let most = if tally.without_max == 0 { cost(tally.most_input(), tally.max_output.div_ceil(tally.rows.max(1))) } else { None };
            sum.most_cost_nanos = add(sum.most_cost_nanos, most);
            sum.basis.push(match via {
                BatchVia::Gateway => format!("{model}: {how}; {whence}"),
                BatchVia::ProviderBatch => format!("{model}: {how}"),
            });
        }
        if via == BatchVia::ProviderBatch {
            sum.binding = finish_hours(dialect, self.now).map(|hours| format!("within {hours} h"));
        }
        if !untimed && let Some((least, expected, binding)) = times.into_values().max_by(|a, b| a.1.total_cmp(&b.1)) {
            (sum.least_secs, sum.expected_secs, sum.binding) = (Some(whole(least)), Some(whole(expected)), binding);
        }
        sum
    }

    /// The rows of one model as a load, and what their lengths rest on.
    fn demand(&self, account: &Account, model: &ModelId, tally: &Tally) -> (Demand, String) {
        let load = self.recorded.iter().find(|load| load.provider == account.provider && load.model == *model);
        let with_max = tally.rows.saturating_sub(tally.without_max);
        let longest = (with_max > 0).then(|| tally.max_output / with_max);
        let (output_tokens, how) = match (load, longest) {
            (Some(load), longest) => {
                let output = load.output.mean.min(longest.unwrap_or(u64::MAX));
                (output, format!("answers of {output} tokens, as in the last 7 days"))
            }
            (None, Some(longest)) => (longest, format!("answers as long as they may be, {longest} tokens")),
            (None, None) => (UNKNOWN_OUTPUT, format!("answers of {UNKNOWN_OUTPUT} tokens, which is a guess")),
        };
        let demand = Demand {
            rows: Some(tally.rows),
            input_tokens: tally.mean_input(),
            output_tokens,
            #[expect(clippy::cast_precision_loss, reason = "a plan is no ledger")]
            latency_secs: load.map(|load| load.latency_millis.mean as f64 / 1_000.0),
            ..Demand::default()
        };
        (demand, how)
    }

    /// What the account's buckets of this class hold; before the first request, what the catalogue assumes.
    fn limits(&self, account: &Account, class: &ModelClass) -> (Vec<Limit>, String) {
        let ours = self
            .buckets
            .iter()
            .filter(|view| view.accounts.contains(&account.label) && (view.key.class == *class || view.key.class == ModelClass::any()));
        let found: Vec<Limit> = ours.map(BucketView::limit).collect();
        if !found.is_empty() {
            return (found, format!("limits of {} as they stand", account.label));
        }
        let today = jiff::tz::Offset::UTC.to_datetime(self.now).date();
        let assumed = Catalog::bundled().default_limits(account.dialect(), class, today);
        let whence = if assumed.is_empty() { "no limit is known" } else { "limits as the catalogue assumes for a new account" };
        (assumed, whence.to_owned())
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
fn whole(secs: f64) -> u64 {
    secs.max(0.0).ceil() as u64
}
