//! The limiter's state for people, and for the next start.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::belief;
use super::book::{BucketId, Entry};
use super::charge::ChargeRule;
use super::core::{Account, Core};
use super::estimate::{Kind, Learned};
use super::line::Ticket;
use crate::domain::view::{BucketView, WaitingView};
use crate::domain::{AccountId, BucketKey, ClientName, Dimension, Lane, Limit, LimitSource, ModelClass, Now, Scope, ScopeKind};

/// One bucket as it is kept over a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedBucket {
    /// Its name.
    pub key: BucketKey,
    /// Its limit.
    pub limit: Limit,
    /// What was available.
    pub available: i64,
    /// The burst that was believed in.
    pub burst: u64,
    /// How often the provider refused a burst.
    pub burst_refusals: u32,
    /// How its tokens are charged.
    pub rule: ChargeRule,
}

/// Everything worth remembering.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Memory {
    /// Every bucket.
    pub buckets: Vec<SavedBucket>,
    /// What was learned about sizes.
    pub sizes: Vec<(Kind, Learned)>,
    /// Whose buckets accounts were found to draw on.
    #[serde(default)]
    pub scopes: Vec<(AccountId, Scope)>,
}

impl Core {
    /// So many requests of the queue are listed. A list is made while nobody can be admitted, and nobody reads a longer one.
    pub const LISTED: usize = 200;

    /// Every bucket, grouped by scope and class.
    #[must_use]
    pub fn buckets(&mut self, now: Now) -> Vec<BucketView> {
        let binding = self.binding(now);
        // who stands behind the first of a line waits for what that one waits for
        let mut waiting_for: BTreeMap<BucketId, u32> = BTreeMap::new();
        for state in self.lines.values() {
            if let Some(id) = state.line.next().and_then(|head| self.waiting.get(&head)?.bound_by) {
                *waiting_for.entry(id).or_default() += u32::try_from(state.line.len()).unwrap_or(u32::MAX);
            }
        }
        let ids: Vec<BucketId> = self.book.iter().map(|(id, _)| id).collect();
        ids.into_iter()
            .map(|id| {
                self.book.get_mut(id).bucket.refill(now);
                let entry = self.book.get(id);
                let accounts = self.accounts.values().filter(|a| a.scope == entry.key.scope).map(|a| a.setup.label.clone()).collect();
                let mut view = bucket_view(entry, accounts, now);
                view.binding = binding.values().any(|bound| *bound == id);
                view.waiting = waiting_for.get(&id).copied().unwrap_or(0);
                if matches!(entry.key.dimension, Dimension::InputTokens | Dimension::Tokens) {
                    view.beliefs.extend(belief::of_sizes(&self.estimator, &entry.key.class));
                }
                view
            })
            .collect()
    }

    /// The queue, next to go first, at most [`LISTED`](Self::LISTED) of it: see [`queued`](Self::queued).
    #[must_use]
    pub fn queue(&mut self, now: Now) -> Vec<WaitingView> {
        let waits = self.lines.iter().filter(|(_, state)| !state.line.is_empty());
        let orders: Vec<_> = waits.map(|(key, state)| (key.clone(), state.line.order(Self::LISTED))).collect();
        let mut views = Vec::new();
        for (key, order) in orders {
            let head = order.first().copied();
            let obstacle = head.and_then(|head| self.obstacle(&key, head, &BTreeMap::new(), now));
            for (position, ticket) in order.into_iter().enumerate() {
                views.extend(self.waiting_view(ticket, position, obstacle.and_then(|o| o.bucket), obstacle.and_then(|o| o.until), now));
            }
        }
        views.sort_by_key(|view| (view.position, view.since));
        views.truncate(Self::LISTED);
        views
    }

    /// How many requests each client has in the queue.
    #[must_use]
    pub fn queued(&self) -> BTreeMap<ClientName, u64> {
        let mut queued = BTreeMap::new();
        for line in self.lines.values().map(|state| &state.line) {
            for (client, count) in line.by_client().filter(|(_, count)| *count > 0) {
                *queued.entry(client.clone()).or_default() += count;
            }
            for again in line.again().filter_map(|ticket| self.waiting.get(&ticket)) {
                *queued.entry(again.ask.client.clone()).or_default() += 1;
            }
        }
        queued
    }

    fn waiting_view(
        &self,
        ticket: Ticket,
        position: usize,
        bucket: Option<BucketId>,
        head_until: Option<crate::domain::Tick>,
        now: Now,
    ) -> Option<WaitingView> {
        let waiting = self.waiting.get(&ticket)?;
        let bucket = waiting.bound_by.or(bucket);
        // those behind the head wait for as much again, each
        let ready = head_until.map(|until| {
            let step = bucket.map_or(Duration::ZERO, |id| {
                let entry = self.book.get(id);
                let need = entry.evidence.rule().need(entry.key.dimension, &waiting.expected).total();
                entry.bucket.time_to_gain(i64::try_from(need).unwrap_or(i64::MAX))
            });
            until + step.saturating_mul(u32::try_from(position).unwrap_or(u32::MAX))
        });
        Some(WaitingView {
            id: waiting.ask.id,
            account: waiting.ask.account,
            account_label: self.accounts.get(&waiting.ask.account).map(|account| account.setup.label.clone()).unwrap_or_default(),
            client: waiting.ask.client.clone(),
            lane: waiting.ask.lane,
            model: waiting.ask.facts.model.clone(),
            class: waiting.ask.class.clone(),
            position: u32::try_from(position + 1).unwrap_or(u32::MAX),
            bucket: bucket.map(|id| self.book.get(id).key.clone()).or_else(|| self.money_awaited(waiting.ask.account, waiting.price)),
            ready_at: ready.map(|tick| now.wall_at(tick)),
            since: now.wall_at(waiting.since),
        })
    }

    /// Whose buckets each account draws on, and why nothing is sent with it, if so.
    #[must_use]
    pub fn accounts(&self) -> Vec<(AccountId, Scope, Option<String>)> {
        self.accounts
            .iter()
            .map(|(id, account)| (*id, account.scope.clone(), account.stopped.as_ref().map(|stop| stop.reason.clone())))
            .collect()
    }

    /// What every bucket of an account and class holds, one line each.
    #[must_use]
    pub fn ledger(&self, account: AccountId, class: &ModelClass) -> Vec<String> {
        let Some(state) = self.lines.get(&(account, class.clone())) else { return Vec::new() };
        state
            .buckets
            .iter()
            .map(|id| {
                let entry = self.book.get(*id);
                let (bucket, limit) = (&entry.bucket, entry.bucket.limit());
                format!(
                    "{}: {} available, {} held of {} ({}), foreign {}/min, burst {}",
                    entry.key.meter(),
                    bucket.available(),
                    bucket.held(),
                    limit.capacity,
                    limit.source,
                    bucket.flow().foreign_per(Duration::from_secs(60)),
                    bucket.burst().capacity().min(limit.capacity),
                )
            })
            .collect()
    }

    /// The first bucket that breaks the law `available + held <= capacity`, if there ever is one.
    #[must_use]
    pub fn broken_law(&self) -> Option<String> {
        self.book.iter().map(|(_, entry)| entry).find_map(|entry| {
            let (bucket, capacity) = (&entry.bucket, entry.bucket.limit().capacity);
            let sum = i128::from(bucket.available()) + i128::from(bucket.held());
            (sum > i128::from(capacity))
                .then(|| format!("{}: {} available and {} held of {capacity}", entry.key, bucket.available(), bucket.held()))
        })
    }

    /// How many wait and how many were sent and are not over.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.waiting.len(), self.flights.len())
    }

    /// Everything worth remembering.
    #[must_use]
    pub fn remember(&mut self, now: Now) -> Memory {
        let ids: Vec<BucketId> = self.book.iter().map(|(id, _)| id).collect();
        let buckets = ids
            .into_iter()
            .map(|id| {
                let entry = self.book.get_mut(id);
                entry.bucket.refill(now);
                SavedBucket {
                    key: entry.key.clone(),
                    limit: *entry.bucket.limit(),
                    // what is held would be charged if the app ended now
                    available: entry.bucket.available(),
                    burst: entry.bucket.burst().capacity(),
                    burst_refusals: entry.bucket.burst().refusals(),
                    rule: entry.evidence.rule(),
                }
            })
            .collect();
        let known = |account: &Account| account.scope.kind != ScopeKind::Account;
        let scopes = self.accounts.iter().filter(|(_, account)| known(account)).map(|(id, account)| (*id, account.scope.clone())).collect();
        Memory { buckets, sizes: self.estimator.export(), scopes }
    }

    /// Recalls what was saved `ago`.
    pub fn recall(&mut self, memory: Memory, ago: Duration, now: Now) {
        for saved in memory.buckets {
            // what the catalogue or the user says comes anew from them
            if matches!(saved.limit.source, LimitSource::User | LimitSource::Catalog { .. }) {
                continue;
            }
            let (id, _) = self.book.set(&saved.key, saved.limit, saved.rule, now);
            let entry = self.book.get_mut(id);
            entry.bucket.burst_mut().recall(saved.burst, saved.burst_refusals, now.tick);
            entry.evidence.recall(saved.rule);
            entry.bucket.restore(saved.available, ago, now);
        }
        self.estimator.import(memory.sizes);
        self.known_scopes.extend(memory.scopes);
        self.redraw();
    }

    /// The bucket of each account and class that would run out first if requests went on as they do.
    fn binding(&self, now: Now) -> BTreeMap<(AccountId, ModelClass), BucketId> {
        let mut binding = BTreeMap::new();
        for (key, state) in &self.lines {
            let head = state.line.next().and_then(|head| self.waiting.get(&head)).and_then(|head| head.bound_by);
            let fullest = state.buckets.iter().copied().max_by(|a, b| pressure(self.book.get(*a)).total_cmp(&pressure(self.book.get(*b))));
            let used = fullest.filter(|id| pressure(self.book.get(*id)) > 0.0);
            if let Some(id) = head.or(used) {
                binding.insert(key.clone(), id);
            }
        }
        let _ = now;
        binding
    }

    /// How much waits in each lane over all lines.
    #[must_use]
    pub fn waiting_by_lane(&self) -> [u64; 2] {
        let count = |lane| self.lines.values().map(|state| state.line.queued(lane).count).sum();
        [count(Lane::Interactive), count(Lane::Batch)]
    }
}

/// How near to its end a bucket is: what is used of it, as a share.
fn pressure(entry: &Entry) -> f64 {
    let capacity = entry.bucket.limit().capacity.max(1) as f64;
    (capacity - entry.bucket.available() as f64) / capacity
}

fn bucket_view(entry: &Entry, accounts: Vec<String>, now: Now) -> BucketView {
    let (bucket, limit) = (&entry.bucket, entry.bucket.limit());
    let minute = Duration::from_secs(60);
    let used = i128::from(limit.capacity) - i128::from(bucket.available());
    BucketView {
        key: entry.key.clone(),
        meter: entry.key.meter().to_string(),
        accounts,
        refill: limit.window.refill,
        capacity: limit.capacity,
        source: limit.source,
        used: u64::try_from(used.max(0)).unwrap_or(u64::MAX),
        held: bucket.held(),
        remaining: bucket.available(),
        full_at: bucket.full_at(now),
        frozen_until: bucket.frozen_until().map(|tick| now.wall_at(tick)),
        own_per_minute: bucket.flow().own_per_minute() as f64,
        foreign_per_minute: bucket.flow().foreign_per(minute) as f64,
        confirmed_at: bucket.confirmed_at(),
        binding: false,
        waiting: 0,
        beliefs: belief::of_bucket(entry, now),
    }
}
