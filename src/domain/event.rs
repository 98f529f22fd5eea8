//! The closed list of things that happen. The recorder writes them down, the live view is a fold of them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    AccountId, Api, BucketKey, ClientName, Lane, LimitSource, ModelClass, ModelEnd, ModelId, Provider, RequestId, RequestRecord, Snapshot,
    Verdict,
};

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A request arrived at the gateway and stands in the queue.
    Arrived(Arc<Arrival>),
    /// It turns to another account, which is the one in here from now on.
    Rerouted(Arc<Arrival>),
    /// It was admitted and sent to the provider; again with a higher attempt when it is retried.
    Sent {
        /// Which request.
        id: RequestId,
        /// When.
        at: Timestamp,
        /// 1 for the first time.
        attempt: u32,
        /// How long it has waited for room so far.
        waited: Duration,
    },
    /// The head of an answer arrived.
    Answered {
        /// Which request.
        id: RequestId,
        /// Which account.
        account: AccountId,
        /// Which models' buckets.
        class: ModelClass,
        /// What its headers said.
        snapshot: Arc<Snapshot>,
    },
    /// The provider refused an attempt.
    Refused(Arc<RefusalRecord>),
    /// A request ended, one way or another. Exactly one for every [`Event::Arrived`].
    Finished(Arc<RequestRecord>),
    /// A provider's batch API answered a row. It is in the history already, and never arrived at the gateway by itself.
    Collected(Arc<RequestRecord>),
    /// A limit is no longer what it was.
    LimitChanged(Arc<LimitChange>),
    /// A provider's list of models says which of them end. Whether anybody uses them is another question.
    ModelsEnd(Provider, Arc<[ModelEnd]>),
    /// Something the user should know.
    Noticed(Notice),
}

/// A request as it arrives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// Its number.
    pub id: RequestId,
    /// When.
    pub at: Timestamp,
    /// Which account will serve it.
    pub account: AccountId,
    /// That account's label.
    pub account_label: String,
    /// Whose API.
    pub provider: Provider,
    /// Which program sent it.
    pub client: ClientName,
    /// Which queue it stands in.
    pub lane: Lane,
    /// Which API.
    pub api: Api,
    /// The model it names.
    pub model: Option<ModelId>,
    /// Which models' buckets it draws on.
    pub class: ModelClass,
}

/// A provider's refusal, with the state of our own books at that moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalRecord {
    /// When.
    pub at: Timestamp,
    /// Which request.
    pub request: RequestId,
    /// Which attempt.
    pub attempt: u32,
    /// Which account.
    pub account: AccountId,
    /// That account's label.
    pub account_label: String,
    /// Which program sent it.
    pub client: ClientName,
    /// Which models' buckets.
    pub class: ModelClass,
    /// The model it named.
    pub model: Option<ModelId>,
    /// HTTP status.
    pub status: u16,
    /// What it means.
    pub verdict: Verdict,
    /// What our own buckets held then, one line each: forensics for "why was this not avoided".
    pub ledger: Vec<String>,
}

/// A limit that changed, appeared or was corrected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitChange {
    /// When.
    pub at: Timestamp,
    /// Which bucket.
    pub bucket: BucketKey,
    /// The capacity before, if there was one.
    pub old: Option<u64>,
    /// Where that number came from: one that was only assumed is no news when it turns out otherwise.
    #[serde(default)]
    pub old_source: Option<LimitSource>,
    /// The capacity now.
    pub new: u64,
    /// Where the new number came from.
    pub source: LimitSource,
}

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Will hurt if ignored.
    Warning,
    /// Something does not work now.
    Error,
}

/// Something the user should know. A later notice with the same key replaces an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What it is about: `store`, `vault`, `header/<name>`, `account/<label>`, ...
    pub key: String,
    /// When it was noticed last.
    pub at: Timestamp,
    /// How much it matters.
    pub severity: Severity,
    /// What, in a sentence; empty when the matter is settled.
    pub text: String,
    /// What to do.
    pub hint: Option<String>,
}

/// One line, for a terminal.
impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}
