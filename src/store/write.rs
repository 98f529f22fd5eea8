//! The closed list of what the writer writes without anybody waiting for it.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::view::BucketView;
use crate::domain::{AccountId, ClientName, Event, LimitChange, ModelClass, RefusalRecord, RequestId, RequestRecord, Snapshot};

/// One thing to be written.
#[derive(Debug, Clone)]
pub enum Write {
    /// A request is over.
    Finished(Arc<RequestRecord>),
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
    /// A limit is no longer what it was.
    LimitChanged(Arc<LimitChange>),
    /// Where all buckets stand; replaces what was saved before.
    Buckets {
        /// When.
        at: Timestamp,
        /// Every bucket.
        views: Arc<Vec<BucketView>>,
    },
    /// Something worked out about a provider; replaces what was saved under this key.
    Learned {
        /// Its name.
        key: String,
        /// Its value.
        value: serde_json::Value,
        /// When.
        at: Timestamp,
    },
    /// A client's token was used. For the list of tokens: once a minute is enough.
    TokenUsed {
        /// Whose.
        client: ClientName,
        /// When.
        at: Timestamp,
    },
}

impl Write {
    /// What of an event belongs into the history. Meters do not, and heads that said nothing do not.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        Some(match event {
            Event::Finished(record) => Self::Finished(Arc::clone(record)),
            Event::Answered { id, account, class, snapshot } if says_something(snapshot) => {
                Self::Answered { id: *id, account: *account, class: class.clone(), snapshot: Arc::clone(snapshot) }
            }
            Event::Refused(record) => Self::Refused(Arc::clone(record)),
            Event::LimitChanged(change) => Self::LimitChanged(Arc::clone(change)),
            Event::Arrived(_)
            | Event::Rerouted(_)
            | Event::Sent { .. }
            | Event::Answered { .. }
            | Event::Collected(_)
            | Event::ModelsEnd(..)
            | Event::Noticed(_) => return None,
        })
    }
}

fn says_something(snapshot: &Snapshot) -> bool {
    snapshot.has_limits() || snapshot.retry_after.is_some() || !snapshot.oddities.is_empty()
}
