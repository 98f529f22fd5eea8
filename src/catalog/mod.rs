//! What is publicly known about providers: tiers, model classes, limits, prices and retirements, each row with its date and source.
//!
//! The catalogue is text in, values out: it reads no clock and no disk (only [`scan`] reads files, the user's own sources).
//! Every answer is for a moment that the caller names, and what no row says is `None` or empty, never a guess.
//! Rows come from `assets/catalog/*.toml`; a user's own file goes before them.
//!
//! Providers are asked for by [`Provider`](crate::domain::Provider) or, where a custom endpoint is known
//! more exactly, by [`Dialect`].

mod check;
mod evidence;
mod known;
mod limits;
mod names;
mod price;
mod retirement;
mod rows;
mod tables;
mod tier_match;
mod usd;
mod warning;
mod when;

pub mod scan;

use std::sync::LazyLock;

use jiff::civil::Date;

use self::tables::Tables;
use crate::domain::{Dialect, ModelClass, ModelId, Problem};

pub use self::check::Finding;
pub use self::evidence::{Confidence, Evidence, Origin};
pub use self::known::KnownModel;
pub use self::limits::{BatchLimits, LongContext, Quota, Tier};
pub use self::names::Pattern;
pub use self::price::Price;
pub use self::retirement::{ModelState, Retirement};
pub use self::rows::{Cap, Hours};
pub use self::tables::RowRef;
pub use self::tier_match::{NextTier, TierMatch};
pub use self::usd::Usd;
pub use self::warning::Traffic;
pub use self::when::When;

/// The bundled files, by name.
const FILES: [(&str, &str); 5] = [
    ("anthropic.toml", include_str!("../../assets/catalog/anthropic.toml")),
    ("openai.toml", include_str!("../../assets/catalog/openai.toml")),
    ("gemini.toml", include_str!("../../assets/catalog/gemini.toml")),
    ("deepseek.toml", include_str!("../../assets/catalog/deepseek.toml")),
    ("others.toml", include_str!("../../assets/catalog/others.toml")),
];

static BUNDLED: LazyLock<Catalog> = LazyLock::new(|| {
    let mut catalog = Catalog { tables: Tables::default(), problems: Vec::new() };
    for (name, text) in FILES {
        match Tables::parse(text, Origin::Bundled) {
            Ok(tables) => catalog.tables.append(tables),
            Err(problem) => catalog.problems.push(problem.hint(format!("the bundled {name} is left out; this is a bug in Tierline"))),
        }
    }
    catalog
});

/// All rows, ready to be asked.
///
/// ```
/// use tierline::catalog::Catalog;
/// use tierline::domain::{ModelId, Provider};
/// let catalog = Catalog::bundled();
/// let class = catalog.class_of(Provider::Anthropic, &ModelId::new("claude-opus-4-5-20251101"));
/// assert_eq!(class.as_str(), "claude-opus-4.x");
/// let limits = catalog.default_limits(Provider::Anthropic, &class, "2026-11-24".parse()?);
/// assert_eq!(limits[0].capacity, 1_000); // requests a minute at Start
/// # Ok::<(), jiff::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Catalog {
    tables: Tables,
    problems: Vec<Problem>,
}

impl Catalog {
    /// The catalogue that the program carries.
    #[must_use]
    pub fn bundled() -> &'static Self {
        &BUNDLED
    }

    /// The bundled catalogue with the rows of a user's own file before it. A row of the user's answers for its
    /// models, classes or tiers while it holds; the bundled rows answer for the rest.
    ///
    /// # Errors
    /// The file is not TOML, or one of its rows has an unknown, missing or unreadable field.
    pub fn with_user_file(text: &str) -> Result<Self, Problem> {
        let mut tables = Tables::parse(text, Origin::User)?;
        tables.append(BUNDLED.tables.clone());
        Ok(Self { tables, problems: BUNDLED.problems.clone() })
    }

    /// Bundled files that could not be read. Always empty, unless a test was skipped.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The date of the newest row.
    #[must_use]
    pub fn as_of(&self) -> Option<Date> {
        self.rows().iter().map(|row| row.about.as_of).max()
    }

    /// Every row.
    #[must_use]
    pub fn rows(&self) -> Vec<RowRef<'_>> {
        let mut rows = Vec::new();
        self.tables.each(&mut rows);
        rows
    }

    /// The bucket that a model draws on. A dated snapshot draws on its model's; an unknown model is its own class.
    #[must_use]
    pub fn class_of(&self, provider: impl Into<Dialect>, model: &ModelId) -> ModelClass {
        let (provider, id) = (provider.into(), model.as_str());
        self.tables
            .class
            .iter()
            .filter(|entry| entry.provider == provider && !entry.about.superseded)
            .filter_map(|entry| Some((names::best(&entry.row.models, id)?, entry)))
            .min_by_key(|(fit, _)| *fit)
            .map_or_else(|| ModelClass::new(names::undated(id)), |(_, entry)| ModelClass::new(&entry.row.name))
    }

    /// What a class is called on screen: its title, or its own name.
    #[must_use]
    pub fn class_title<'a>(&'a self, provider: impl Into<Dialect>, class: &'a ModelClass) -> &'a str {
        let provider = provider.into();
        self.tables
            .class
            .iter()
            .find(|entry| entry.provider == provider && entry.row.name == class.as_str())
            .map_or(class.as_str(), |entry| &entry.row.title)
    }
}
