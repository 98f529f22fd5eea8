//! All buckets by name, and for each of them which of several sources says how much it holds.

use std::collections::BTreeMap;

use super::bucket::Bucket;
use super::cap::Cap;
use super::charge::{ChargeRule, Evidence, Need};
use super::estimate::Expectation;
use crate::domain::{BucketKey, Dimension, Limit, LimitChange, LimitSource, ModelClass, Now, Scope, Tick, Window};

/// A bucket's number. It stays valid when buckets merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BucketId(usize);

/// A bucket with its name, its sources and its evidence.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name.
    pub key: BucketKey,
    /// Its level.
    pub bucket: Bucket,
    /// How its tokens are charged.
    pub evidence: Evidence,
    /// What a header showed last: when, what was left, and by how much that may be off.
    pub reading: Option<(Tick, u64, u64)>,
    /// The search for a hidden cap, for requests at once.
    pub cap: Option<Cap>,
    sources: Sources,
    merged_into: Option<BucketId>,
}

impl Entry {
    /// What a request with this expectation takes from it.
    #[must_use]
    pub fn need(&self, expected: &Expectation) -> Need {
        self.evidence.need(self.key.dimension, expected, self.bucket.limit().capacity)
    }
}

/// What each source says, where it says something.
#[derive(Debug, Clone, Copy, Default)]
struct Sources {
    measured: Option<Limit>,
    configured: Option<Limit>,
    user: Option<Limit>,
    assumed: Option<Limit>,
}

impl Sources {
    /// What the provider enforces, but no more than the user allows; else what the user says; else the catalogue.
    ///
    /// An answer outranks the admin API: it shows what holds for this very key, narrower limits of its project included.
    fn effective(&self) -> Option<Limit> {
        match (self.measured.or(self.configured), self.user) {
            (Some(measured), Some(user)) if user.capacity < measured.capacity => Some(user),
            (Some(measured), _) => Some(measured),
            (None, Some(user)) => Some(user),
            (None, None) => self.assumed,
        }
    }

    const fn slot(&mut self, source: LimitSource) -> &mut Option<Limit> {
        match source {
            LimitSource::Header | LimitSource::Refusal | LimitSource::Learned => &mut self.measured,
            LimitSource::Admin => &mut self.configured,
            LimitSource::User => &mut self.user,
            LimitSource::Catalog { .. } => &mut self.assumed,
        }
    }
}

/// Every bucket.
#[derive(Debug, Clone)]
pub struct Book {
    trust_bursts: bool,
    entries: Vec<Entry>,
    names: BTreeMap<BucketKey, BucketId>,
}

impl Book {
    /// No buckets yet. `trust_bursts`: a whole bucket may go out at once, without trying smaller bursts first.
    #[must_use]
    pub const fn new(trust_bursts: bool) -> Self {
        Self { trust_bursts, entries: Vec::new(), names: BTreeMap::new() }
    }

    /// The bucket with this number, wherever it was merged to.
    #[must_use]
    pub fn get(&self, id: BucketId) -> &Entry {
        let entry = &self.entries[id.0];
        entry.merged_into.map_or(entry, |into| self.get(into))
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, id: BucketId) -> &mut Entry {
        match self.entries[id.0].merged_into {
            Some(into) => self.get_mut(into),
            None => &mut self.entries[id.0],
        }
    }

    /// The bucket with this name.
    #[must_use]
    pub fn find(&self, key: &BucketKey) -> Option<BucketId> {
        self.names.get(key).copied()
    }

    /// The most that anybody believes a bucket to hold who did not measure it.
    #[must_use]
    pub fn most(&self, id: BucketId) -> u64 {
        let sources = &self.get(id).sources;
        [sources.user, sources.assumed].into_iter().flatten().map(|limit| limit.capacity).min().unwrap_or(u64::MAX)
    }

    /// Every bucket, by name.
    pub fn iter(&self) -> impl Iterator<Item = (BucketId, &Entry)> {
        self.names.values().map(|id| (*id, &self.entries[id.0]))
    }

    /// The buckets that a request of this class draws on in this scope.
    #[must_use]
    pub fn drawn_on(&self, scope: &Scope, class: &ModelClass) -> Vec<BucketId> {
        let any = ModelClass::any();
        self.iter().filter(|(_, e)| e.key.scope == *scope && (e.key.class == *class || e.key.class == any)).map(|(id, _)| id).collect()
    }

    /// One source says that a bucket holds this much. Makes the bucket if there is none.
    pub fn set(&mut self, key: &BucketKey, limit: Limit, rule: ChargeRule, now: Now) -> (BucketId, Option<LimitChange>) {
        let (id, is_new) = match self.find(key) {
            Some(id) => (id, false),
            None => (self.add(key.clone(), limit, rule, now), true),
        };
        let entry = self.get_mut(id);
        *entry.sources.slot(limit.source) = Some(limit);
        if is_new {
            let change =
                LimitChange { at: now.wall, bucket: key.clone(), old: None, old_source: None, new: limit.capacity, source: limit.source };
            return (id, Some(change));
        }
        (id, self.refresh(id, now))
    }

    /// One source no longer says anything. A bucket of which nobody says anything is no limit any more.
    pub fn unset(&mut self, key: &BucketKey, source: LimitSource, now: Now) -> Option<LimitChange> {
        let id = self.find(key)?;
        *self.get_mut(id).sources.slot(source) = None;
        if self.get(id).sources.effective().is_none() {
            self.names.remove(key);
            return None;
        }
        self.refresh(id, now)
    }

    /// The keys of buckets for which the user set a ceiling.
    #[must_use]
    pub fn user_ceilings(&self) -> Vec<BucketKey> {
        self.iter().filter(|(_, entry)| entry.sources.user.is_some()).map(|(_, entry)| entry.key.clone()).collect()
    }

    /// The keys of buckets for which an admin API named a limit.
    #[must_use]
    pub fn configured(&self) -> Vec<BucketKey> {
        self.iter().filter(|(_, entry)| entry.sources.configured.is_some()).map(|(_, entry)| entry.key.clone()).collect()
    }

    /// The scope turned out to be another: its buckets get the new name, or merge with those that have it already.
    pub fn rescope(&mut self, from: &Scope, to: &Scope, now: Now) {
        let moved: Vec<BucketId> = self.iter().filter(|(_, entry)| entry.key.scope == *from).map(|(id, _)| id).collect();
        for id in moved {
            let old = self.entries[id.0].key.clone();
            let key = BucketKey { scope: to.clone(), ..old.clone() };
            self.names.remove(&old);
            match self.find(&key) {
                None => {
                    self.entries[id.0].key = key.clone();
                    self.names.insert(key, id);
                }
                Some(into) => {
                    // both saw part of the traffic: what each took is gone from the shared bucket
                    let absorbed = self.entries[id.0].clone();
                    self.entries[id.0].merged_into = Some(into);
                    let entry = self.get_mut(into);
                    entry.sources.user = entry.sources.user.or(absorbed.sources.user);
                    entry.sources.configured = entry.sources.configured.or(absorbed.sources.configured);
                    entry.bucket.absorb(&absorbed.bucket, now);
                    self.refresh(into, now);
                }
            }
        }
    }

    fn add(&mut self, key: BucketKey, limit: Limit, rule: ChargeRule, now: Now) -> BucketId {
        let id = BucketId(self.entries.len());
        let cap = (key.dimension == Dimension::Concurrent).then(|| Cap::new(limit.capacity));
        let mut bucket = Bucket::new(limit, now);
        if self.trust_bursts {
            bucket.burst_mut().trust();
        }
        self.entries.push(Entry {
            key: key.clone(),
            bucket,
            evidence: Evidence::new(rule),
            reading: None,
            cap,
            sources: Sources::default(),
            merged_into: None,
        });
        self.names.insert(key, id);
        id
    }

    fn refresh(&mut self, id: BucketId, now: Now) -> Option<LimitChange> {
        let entry = self.get_mut(id);
        let effective = entry.sources.effective()?;
        let old = *entry.bucket.limit();
        if old == effective {
            return None;
        }
        entry.bucket.set_limit(effective, now);
        (old.capacity != effective.capacity || old.source != effective.source).then(|| LimitChange {
            at: now.wall,
            bucket: entry.key.clone(),
            old: Some(old.capacity),
            old_source: Some(old.source),
            new: effective.capacity,
            source: effective.source,
        })
    }
}

/// How a provider's limit of this dimension and period comes back, where nothing else is known.
#[must_use]
pub const fn usual_window(dimension: Dimension, period: crate::domain::Period) -> Window {
    match dimension {
        Dimension::Concurrent => Window::AT_ONCE,
        _ => Window { period, refill: crate::domain::Refill::Continuous },
    }
}
