//! What admin APIs said is configured, for the limiter when it opens the buckets of a class.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::{Account, Limit, LimitSource, ModelClass, Provider};
use crate::limiter::book::usual_window;
use crate::store::AdminLimit;

type ByClass = BTreeMap<(Provider, ModelClass), Vec<Limit>>;

/// Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Configured(Arc<Mutex<ByClass>>);

impl Configured {
    /// Takes what is stored. Where a provider has several accounts, whose limits these are is not asked when buckets are opened:
    /// then they are only listed.
    pub(super) fn replace(&self, accounts: &[Account], limits: &[AdminLimit]) {
        let mut by_class = ByClass::new();
        for limit in limits {
            let Some(account) = accounts.iter().find(|account| account.id == limit.account) else { continue };
            if accounts.iter().filter(|other| other.provider == account.provider).count() > 1 {
                continue;
            }
            let AdminLimit { dimension, period, capacity, .. } = *limit;
            by_class.entry((account.provider, limit.class.clone())).or_default().push(Limit {
                dimension,
                window: usual_window(dimension, period),
                capacity,
                source: LimitSource::Admin,
            });
        }
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = by_class;
    }

    pub(super) fn of(&self, provider: Provider, class: &ModelClass) -> Vec<Limit> {
        let by_class = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        by_class.get(&(provider, class.clone())).cloned().unwrap_or_default()
    }
}
