//! `tierline accounts import-usage` and `tierline accounts usage`: what the provider reports beside what was recorded here.

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::AddAssign;
use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde_json::{Value, json};

use super::admin::{AdminArgs, Covered};
use super::context::Context;
use super::{Done, print_json, serve, table, unwritable};
use crate::catalog::Usd;
use crate::domain::{Account, AccountId, AdminReport, DayUsage, Dialect, Identity, ModelId, Problem};
use crate::probe::{AdminAccess, Prober};
use crate::store::RecordedDay;
use crate::upstream::HttpUpstream;

#[derive(Debug, Args)]
pub(super) struct ImportUsageArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(flatten)]
    span: Span,
}

#[derive(Debug, Args)]
pub(super) struct UsageArgs {
    /// The account's label.
    #[arg(long)]
    account: String,
    #[command(flatten)]
    span: Span,
}

#[derive(Debug, Args)]
struct Span {
    /// How many UTC days, today included.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u8).range(1..=31))]
    days: u8,
    /// Only what the report says of this project (OpenAI) or workspace (Anthropic).
    #[arg(long, visible_alias = "workspace", value_name = "ID")]
    project: Option<String>,
}

/// A report and what it is to be held against.
struct Comparison {
    account: Account,
    organization: Option<String>,
    part: Option<String>,
    from: Timestamp,
    read_at: Timestamp,
    report: AdminReport,
    covered: Covered,
    recorded: Vec<RecordedDay>,
}

pub(super) fn import(context: &Context, args: &ImportUsageArgs, out: &mut dyn Write) -> Result<Done, Problem> {
    let account = context.reader()?.account(&args.admin.account)?;
    let (base_url, key) = (args.admin.base_url()?, args.admin.key()?);
    let access = AdminAccess { account: &account, base_url: base_url.as_ref(), key: &key, clock: &context.clock };
    let read_at = context.clock.now().wall;
    let (from, until) = days(read_at, args.span.days)?;
    let prober = Prober::new(Arc::new(HttpUpstream::default()));
    let (report, organization) = serve::runtime()?.block_on(prober.reported(access, from, until))?;
    let id = account.id;
    let comparison = Comparison::new(context, account, organization, &args.span, &report, from..read_at)?;
    context.store.set_admin_report(id, from..until, report, read_at)?;
    comparison.print(context.json, out)
}

pub(super) fn show(context: &Context, args: &UsageArgs, out: &mut dyn Write) -> Result<Done, Problem> {
    let account = context.reader()?.account(&args.account)?;
    let (from, _) = days(context.clock.now().wall, args.span.days)?;
    let Some((report, read_at)) = context.reader()?.admin_report(account.id, from)? else {
        return Err(Problem::new(format!("nothing was imported for account {} in these days", account.label))
            .hint("ask the provider with `tierline accounts import-usage`"));
    };
    Comparison::new(context, account, None, &args.span, &report, from..read_at)?.print(context.json, out)
}

/// From the start of the first of so many UTC days, of which `now` is in the last, to its end.
fn days(now: Timestamp, count: u8) -> Result<(Timestamp, Timestamp), Problem> {
    let today = Offset::UTC.to_datetime(now).date();
    let start = |day: Result<Date, jiff::Error>| Offset::UTC.to_timestamp(day?.at(0, 0, 0, 0));
    let from = start(today.checked_sub(jiff::Span::new().days(i64::from(count) - 1)));
    from.and_then(|from| Ok((from, start(today.tomorrow())?))).map_err(|error| Problem::new("these days are in no calendar").because(error))
}

impl Comparison {
    fn new(
        context: &Context,
        account: Account,
        organization: Option<String>,
        span: &Span,
        report: &AdminReport,
        during: std::ops::Range<Timestamp>,
    ) -> Result<Self, Problem> {
        // where the answers did not say whose key it was, it is taken to be of the account's own organization
        let own = || Ok::<_, Problem>(context.reader()?.identities()?.remove(&account.id).and_then(|known| known.organization));
        let organization = match organization {
            Some(organization) => Some(organization),
            None => own()?,
        };
        let wanted = |part: &Option<String>| span.project.is_none() || *part == span.project;
        let projects: Vec<&String> = report.usage.iter().filter_map(|row| row.part.as_ref()).collect();
        let covered = Covered::new(context, &account, |identity: &Identity| match account.dialect() {
            // a project that is in the report is the organisation's; one that is not may only have been idle
            Dialect::OpenAi => match (&span.project, identity.project.as_ref()?) {
                (Some(wanted), own) => Some(own == wanted),
                (None, own) => projects.contains(&own).then_some(true),
            },
            _ => Some(identity.organization.as_ref()? == organization.as_ref()?),
        })?;
        let report = AdminReport {
            usage: report.usage.iter().filter(|row| wanted(&row.part)).cloned().collect(),
            costs: report.costs.iter().filter(|row| wanted(&row.part)).cloned().collect(),
        };
        let accounts: Vec<AccountId> = covered.accounts.iter().map(|account| account.id).collect();
        context.store.flush()?;
        let recorded = context.reader()?.recorded_days(&accounts, during.clone())?;
        let part = span.project.clone();
        Ok(Self { account, organization, part, from: during.start, read_at: during.end, report, covered, recorded })
    }

    fn print(&self, as_json: bool, out: &mut dyn Write) -> Result<Done, Problem> {
        let reported: Sum = self.report.usage.iter().collect();
        let recorded: Sum = self.recorded.iter().map(|day| &day.usage).collect();
        let billed = self.report.costs.iter().try_fold(0_u64, |sum, row| Some(sum.saturating_add(row.cost_nanos?)));
        let priced: u64 = self.recorded.iter().map(|day| day.cost_nanos).sum();
        let [without_usage, without_price] = [|day: &RecordedDay| day.without_usage, |day: &RecordedDay| day.without_price]
            .map(|of| self.recorded.iter().map(of).sum::<u64>());
        let (accounts, unknown) = (Covered::labels(&self.covered.accounts), Covered::labels(&self.covered.unknown));
        if as_json {
            return print_json(
                out,
                &json!({
                    "account": self.account.label,
                    "provider": self.account.provider,
                    "organization": self.organization,
                    "part": self.part,
                    "from": self.from,
                    "until": self.read_at,
                    "accounts": accounts,
                    "unknown": unknown,
                    "reported": reported.json(billed),
                    "recorded": with(recorded.json(Some(priced)), &[("without_usage", without_usage), ("without_price", without_price)]),
                    "rows": self.rows().into_iter().map(|((day, model), Sides { reported, recorded })| json!({
                        "day": day,
                        "model": model,
                        "reported": reported.map(|sum| sum.json(None)),
                        "recorded": recorded.map(|sum| sum.json(None)),
                    })).collect::<Vec<_>>(),
                    "costs": self.report.costs.iter().map(|row| json!({
                        "day": row.day, "item": row.item, "part": row.part, "cost_nanos": row.cost_nanos,
                    })).collect::<Vec<_>>(),
                }),
            );
        }
        self.print_models(out)?;
        let dollars =
            |nanos: Option<u64>| nanos.map_or_else(|| "an unknown amount".to_owned(), |nanos| format!("${}", Usd::from_nanos(nanos)));
        let whose = self.part.as_deref().or(self.organization.as_deref()).unwrap_or("the organization");
        let mut lines = vec![format!(
            "{} says {} tokens and {} for {whose} since {}; Tierline recorded {} tokens and {} with {}",
            self.account.provider.name(),
            reported.tokens(),
            dollars(billed),
            self.from,
            recorded.tokens(),
            dollars(Some(priced)),
            accounts.join(", "),
        )];
        if without_usage + without_price > 0 {
            lines.push(format!("of {without_usage} recorded answers the tokens are not known, of {without_price} the price"));
        }
        if !unknown.is_empty() {
            lines.push(format!("not counted: {}, because no answer has said yet whose they are", unknown.join(", ")));
        }
        lines.iter().try_for_each(|line| writeln!(out, "{line}")).map_err(|error| unwritable(&error))?;
        Ok(Done::Well)
    }

    /// A line for each model: days are for scripts.
    fn print_models(&self, out: &mut dyn Write) -> Result<(), Problem> {
        let mut models: BTreeMap<Option<ModelId>, (Sum, Sum)> = BTreeMap::new();
        for ((_, model), Sides { reported, recorded }) in self.rows() {
            let sums = models.entry(model).or_default();
            sums.0 += reported.unwrap_or_default();
            sums.1 += recorded.unwrap_or_default();
        }
        let rows: Vec<Vec<String>> = models
            .into_iter()
            .map(|(model, (reported, recorded))| {
                let name = model.map_or_else(|| "(not said)".to_owned(), |model| model.to_string());
                let cells = [reported.all_input(), reported.output, recorded.all_input(), recorded.output];
                std::iter::once(name).chain(cells.map(|number| number.to_string())).collect()
            })
            .collect();
        table::print(out, &["model", "reported input", "output", "recorded input", "output"], &rows)
    }

    /// Both sides by day and model.
    fn rows(&self) -> BTreeMap<(Timestamp, Option<ModelId>), Sides> {
        let mut rows: BTreeMap<_, Sides> = BTreeMap::new();
        for row in &self.report.usage {
            *rows.entry((row.day, row.model.clone())).or_default().reported.get_or_insert_default() += Sum::from(row);
        }
        for row in self.recorded.iter().map(|day| &day.usage) {
            *rows.entry((row.day, row.model.clone())).or_default().recorded.get_or_insert_default() += Sum::from(row);
        }
        rows
    }
}

/// What is known of one model on one day.
#[derive(Debug, Default)]
struct Sides {
    reported: Option<Sum>,
    recorded: Option<Sum>,
}

/// Counts that add up; requests are not known if one part does not count them.
#[derive(Debug, Clone, Copy)]
struct Sum {
    requests: Option<u64>,
    input: u64,
    cache_read: u64,
    cache_write: u64,
    output: u64,
}

impl Sum {
    const fn all_input(self) -> u64 {
        self.input.saturating_add(self.cache_read).saturating_add(self.cache_write)
    }

    const fn tokens(self) -> u64 {
        self.all_input().saturating_add(self.output)
    }

    fn json(self, cost_nanos: Option<u64>) -> Value {
        let Self { requests, input, cache_read, cache_write, output } = self;
        json!({
            "requests": requests, "input": input, "cache_read": cache_read, "cache_write": cache_write, "output": output,
            "tokens": self.tokens(), "cost_nanos": cost_nanos,
        })
    }
}

impl Default for Sum {
    fn default() -> Self {
        Self { requests: Some(0), input: 0, cache_read: 0, cache_write: 0, output: 0 }
    }
}

impl From<&DayUsage> for Sum {
    fn from(row: &DayUsage) -> Self {
        let DayUsage { requests, input, cache_read, cache_write, output, .. } = *row;
        Self { requests, input, cache_read, cache_write, output }
    }
}

impl AddAssign for Sum {
    fn add_assign(&mut self, other: Self) {
        self.requests = self.requests.zip(other.requests).map(|(mine, theirs)| mine.saturating_add(theirs));
        for (mine, theirs) in [
            (&mut self.input, other.input),
            (&mut self.cache_read, other.cache_read),
            (&mut self.cache_write, other.cache_write),
            (&mut self.output, other.output),
        ] {
            *mine = mine.saturating_add(theirs);
        }
    }
}

impl<'a> FromIterator<&'a DayUsage> for Sum {
    fn from_iter<I: IntoIterator<Item = &'a DayUsage>>(rows: I) -> Self {
        rows.into_iter().fold(Self::default(), |mut sum, row| {
            sum += Self::from(row);
            sum
        })
    }
}

fn with(mut object: Value, more: &[(&str, u64)]) -> Value {
    for (name, number) in more {
        object[*name] = json!(number);
    }
    object
}
