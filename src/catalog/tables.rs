//! All rows of all kinds, as parsed from one file or merged from several.

use std::ops::Range;

use jiff::civil::Date;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;

use super::evidence::{Entry, Evidence, Origin};
use super::names::Pattern;
use super::rows::{BatchRow, ClassRow, LimitRow, ModelRow, PeakRow, PriceRow, QuotaRow, RetirementRow, ServiceRow, StepRow, TierRow};
use crate::domain::{Dialect, Problem};

/// What lists and checks need to know about a kind of row.
pub(super) trait Kind {
    /// The name of its table in a file.
    const NAME: &str;

    /// What the row is about. Two rows about the same thing must not hold at the same time.
    fn subjects(&self) -> Vec<String>;

    /// Whether two rows about the same subject can apply to the same request.
    fn meets(&self, _other: &Self) -> bool {
        true
    }

    /// Whether the row is about something that has happened, and so stays true.
    fn is_past(&self, _today: Date) -> bool {
        false
    }
}

/// Any row, for lists and checks.
#[derive(Debug, Clone)]
pub struct RowRef<'a> {
    /// Whose.
    pub provider: Dialect,
    /// Which table.
    pub kind: &'static str,
    /// What it is about.
    pub subjects: Vec<String>,
    /// When and how well it is known.
    pub about: &'a Evidence,
    /// Whose file it is in.
    pub origin: Origin,
}

/// Something to do with every table.
pub(super) trait Visit<'a> {
    fn table<T: Kind>(&mut self, rows: &'a [Entry<T>]);
}

impl<'a> Visit<'a> for Vec<RowRef<'a>> {
    fn table<T: Kind>(&mut self, rows: &'a [Entry<T>]) {
        self.extend(rows.iter().map(row_ref));
    }
}

macro_rules! tables {
    ($($table:ident: $row:ty,)*) => {
        /// Every table, the user's rows before the bundled ones: where two could answer, the first does.
        #[derive(Debug, Clone, Default)]
        pub(super) struct Tables {
            $(pub(super) $table: Vec<Entry<$row>>,)*
        }

        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            provider: Option<String>,
            $(#[serde(default)] $table: Vec<Spanned<toml::Table>>,)*
        }

        impl Tables {
            /// Reads one file.
            pub(super) fn parse(text: &str, origin: Origin) -> Result<Self, Problem> {
                let file: File = toml::from_str(text).map_err(|e| unusable(text, e.span(), e.message()))?;
                let provider = file.provider.as_deref();
                Ok(Self { $($table: read_all(text, file.$table, provider, origin)?,)* })
            }

            /// Adds the rows of another file after these.
            pub(super) fn append(&mut self, other: Self) {
                $(self.$table.extend(other.$table);)*
            }

            /// Shows every table to a visitor.
            pub(super) fn each<'a>(&'a self, visitor: &mut impl Visit<'a>) {
                $(visitor.table(&self.$table);)*
            }
        }
    };
}

tables! {
    class: ClassRow,
    tier: TierRow,
    limits: LimitRow,
    batch: BatchRow,
    price: PriceRow,
    step: StepRow,
    service: ServiceRow,
    peak: PeakRow,
    quota: QuotaRow,
    model: ModelRow,
    retirement: RetirementRow,
}

fn read_all<T: DeserializeOwned>(
    text: &str,
    rows: Vec<Spanned<toml::Table>>,
    provider: Option<&str>,
    origin: Origin,
) -> Result<Vec<Entry<T>>, Problem> {
    rows.into_iter()
        .map(|row| {
            let span = row.span();
            Entry::read(row.into_inner(), provider, origin).map_err(|why| unusable(text, Some(span), &why))
        })
        .collect()
}

fn unusable(text: &str, span: Option<Range<usize>>, why: &str) -> Problem {
    let before = span.and_then(|span| text.get(..span.start));
    let line = before.map(|before| format!("line {}: ", before.matches('\n').count() + 1)).unwrap_or_default();
    Problem::new("the catalogue file cannot be used")
        .because(format!("{line}{}", why.trim_end().replace('\n', " ")))
        .hint("correct that row; the fields of each kind are those of the bundled files")
}

pub(super) fn row_ref<T: Kind>(entry: &Entry<T>) -> RowRef<'_> {
    let Entry { provider, origin, about, row } = entry;
    RowRef { provider: *provider, kind: T::NAME, subjects: row.subjects(), about, origin: *origin }
}

/// The subjects of a row that names models or classes, each followed by what narrows it down.
fn each_name(names: &[Pattern], narrowed: impl std::fmt::Display) -> Vec<String> {
    names.iter().map(|name| format!("{name}{narrowed}")).collect()
}

/// ` at tier-1` or nothing.
fn at_tier(tier: Option<&String>) -> String {
    tier.map(|tier| format!(" at {tier}")).unwrap_or_default()
}

/// ` above 272000 tokens` or nothing.
fn above(tokens: Option<u64>) -> String {
    tokens.map(|tokens| format!(" above {tokens} tokens")).unwrap_or_default()
}

impl Kind for ClassRow {
    const NAME: &str = "class";
    fn subjects(&self) -> Vec<String> {
        each_name(&self.models, "")
    }
}

impl Kind for TierRow {
    const NAME: &str = "tier";
    fn subjects(&self) -> Vec<String> {
        vec![self.name.clone()]
    }
}

impl Kind for LimitRow {
    const NAME: &str = "limits";
    fn subjects(&self) -> Vec<String> {
        each_name(&self.classes, at_tier(self.tier.as_ref()) + &above(self.prompt_above))
    }
}

impl Kind for BatchRow {
    const NAME: &str = "batch";
    fn subjects(&self) -> Vec<String> {
        let narrowed = at_tier(self.tier.as_ref()) + &above(self.prompt_above);
        if self.classes.is_empty() { vec![format!("all models{narrowed}")] } else { each_name(&self.classes, narrowed) }
    }
}

impl Kind for PriceRow {
    const NAME: &str = "price";
    fn subjects(&self) -> Vec<String> {
        each_name(&self.models, if self.services.is_empty() { String::new() } else { format!(" ({})", self.services.join(", ")) })
    }

    fn meets(&self, other: &Self) -> bool {
        let same_hours = self.hours.is_none() || other.hours.is_none() || self.hours == other.hours;
        let span = |row: &Self| (row.prompt_above.unwrap_or(0), row.prompt_up_to.unwrap_or(u64::MAX));
        let ((from, to), (other_from, other_to)) = (span(self), span(other));
        same_hours && from < other_to && other_from < to
    }
}

impl Kind for StepRow {
    const NAME: &str = "step";
    fn subjects(&self) -> Vec<String> {
        each_name(&self.models, "")
    }
}

impl Kind for ServiceRow {
    const NAME: &str = "service";
    fn subjects(&self) -> Vec<String> {
        self.names.clone()
    }
}

impl Kind for PeakRow {
    const NAME: &str = "peak";
    fn subjects(&self) -> Vec<String> {
        vec!["peak hours".into()]
    }
}

impl Kind for QuotaRow {
    const NAME: &str = "quota";
    fn subjects(&self) -> Vec<String> {
        vec![self.what.clone() + &at_tier(self.tier.as_ref())]
    }
}

impl Kind for ModelRow {
    const NAME: &str = "model";
    fn subjects(&self) -> Vec<String> {
        vec![self.id.clone()]
    }
}

impl Kind for RetirementRow {
    const NAME: &str = "retirement";
    fn subjects(&self) -> Vec<String> {
        self.models.iter().map(ToString::to_string).chain(self.what.clone()).collect()
    }

    fn is_past(&self, today: Date) -> bool {
        self.shutdown.is_some_and(|end| end.date() < today)
    }
}
