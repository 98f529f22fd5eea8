//! What a provider counts ([`Dimension`]), over how long ([`Period`]) and how it gives room back ([`Refill`]).

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One kind of thing that a provider meters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// API calls, whatever their size.
    Requests,
    /// Input and output tokens together.
    Tokens,
    /// Input tokens, as this provider counts them (cached ones may be free).
    InputTokens,
    /// Output tokens, reasoning included.
    OutputTokens,
    /// Images made or read.
    Images,
    /// Seconds of audio.
    AudioSeconds,
    /// Requests in flight at the same time.
    Concurrent,
    /// Nano-dollars.
    Money,
}

impl Dimension {
    /// Every dimension, in the order in which a person wants to read them.
    pub const ALL: [Self; 8] = [
        Self::Requests,
        Self::InputTokens,
        Self::OutputTokens,
        Self::Tokens,
        Self::Images,
        Self::AudioSeconds,
        Self::Concurrent,
        Self::Money,
    ];

    /// The name used in the command line, in files and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::Images => "images",
            Self::AudioSeconds => "audio_seconds",
            Self::Concurrent => "concurrent",
            Self::Money => "money",
        }
    }

    /// The dimension with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.name() == name)
    }

    /// What one unit is called on screen.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::InputTokens => "input tokens",
            Self::OutputTokens => "output tokens",
            Self::Images => "images",
            Self::AudioSeconds => "seconds of audio",
            Self::Concurrent => "requests at once",
            Self::Money => "nano-dollars",
        }
    }
}

/// The length of a window in seconds; zero for "at the same time".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Period(u32);

impl Period {
    /// No window: how many at the same time.
    pub const AT_ONCE: Self = Self(0);
    /// One second.
    pub const SECOND: Self = Self(1);
    /// One minute.
    pub const MINUTE: Self = Self(60);
    /// One hour.
    pub const HOUR: Self = Self(3_600);
    /// One day, whether it refills continuously or resets at some midnight.
    pub const DAY: Self = Self(86_400);
    /// One calendar month, counted as 30 days where a length is needed.
    pub const MONTH: Self = Self(2_592_000);

    /// A window of that many seconds.
    #[must_use]
    pub const fn secs(secs: u32) -> Self {
        Self(secs)
    }

    /// Its length in seconds.
    #[must_use]
    pub const fn as_secs(self) -> u32 {
        self.0
    }

    /// Its length.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }

    /// `minute`, `day`, ... or the number of seconds.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::AT_ONCE => "at_once".into(),
            Self::SECOND => "second".into(),
            Self::MINUTE => "minute".into(),
            Self::HOUR => "hour".into(),
            Self::DAY => "day".into(),
            Self::MONTH => "month".into(),
            Self(secs) => format!("{secs}s"),
        }
    }

    /// The period with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "at_once" => Self::AT_ONCE,
            "second" => Self::SECOND,
            "minute" => Self::MINUTE,
            "hour" => Self::HOUR,
            "day" => Self::DAY,
            "month" => Self::MONTH,
            other => Self(other.strip_suffix('s')?.parse().ok()?),
        })
    }
}

/// How a bucket gets its room back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refill {
    /// A little all the time: full again after one period of rest.
    Continuous,
    /// All at once when the period ends, counted from the first use.
    Fixed,
    /// All at once at midnight (or at the first of the month) of a place.
    Calendar(Zone),
    /// When the thing held is given back.
    OnRelease,
}

/// The places whose midnights providers use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Zone {
    /// Coordinated universal time.
    Utc,
    /// `America/Los_Angeles`, with its daylight-saving days.
    Pacific,
}

impl Zone {
    /// The IANA name.
    #[must_use]
    pub const fn iana(self) -> &'static str {
        match self {
            Self::Utc => "UTC",
            Self::Pacific => "America/Los_Angeles",
        }
    }
}

/// A length and how it refills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Window {
    /// How long.
    pub period: Period,
    /// How room comes back.
    pub refill: Refill,
}

impl Window {
    /// The commonest window of all.
    pub const PER_MINUTE: Self = Self { period: Period::MINUTE, refill: Refill::Continuous };
    /// A day's allowance that trickles back, as OpenAI's does.
    pub const PER_DAY: Self = Self { period: Period::DAY, refill: Refill::Continuous };
    /// A day's allowance that comes back at midnight Pacific, as Gemini's does.
    pub const PACIFIC_DAY: Self = Self { period: Period::DAY, refill: Refill::Calendar(Zone::Pacific) };
    /// How many at the same time.
    pub const AT_ONCE: Self = Self { period: Period::AT_ONCE, refill: Refill::OnRelease };
}

/// A dimension over a period under the name people use: RPM, ITPM, TPD, ...
///
/// ```
/// use tierline::domain::dimension::{Dimension, Meter, Period};
/// assert_eq!(Meter(Dimension::InputTokens, Period::MINUTE).to_string(), "ITPM");
/// assert_eq!(Meter(Dimension::Requests, Period::DAY).to_string(), "RPD");
/// assert_eq!(Meter(Dimension::Concurrent, Period::AT_ONCE).to_string(), "concurrency");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meter(pub Dimension, pub Period);

impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(dimension, period) = *self;
        let letter = match dimension {
            Dimension::Requests => "R",
            Dimension::Tokens => "T",
            Dimension::InputTokens => "IT",
            Dimension::OutputTokens => "OT",
            Dimension::Images => "I",
            Dimension::AudioSeconds => "audio seconds",
            Dimension::Concurrent => return f.write_str("concurrency"),
            Dimension::Money => "spend",
        };
        let long = matches!(dimension, Dimension::AudioSeconds | Dimension::Money);
        match period {
            _ if long => write!(f, "{letter} per {}", period.name()),
            Period::SECOND => write!(f, "{letter}PS"),
            Period::MINUTE => write!(f, "{letter}PM"),
            Period::HOUR => write!(f, "{letter}PH"),
            Period::DAY => write!(f, "{letter}PD"),
            Period::MONTH => write!(f, "{letter} per month"),
            other => write!(f, "{letter} per {}", other.name()),
        }
    }
}
