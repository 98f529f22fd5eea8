//! What others do, in a few lines each, against the same provider: the figures to read the limiter's beside.
//!
//! Each knows its limits beforehand (the limiter's cold rows do not), and each is given eight attempts a request.

#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "nanoseconds of hours fit")]

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::goodput::Figures;
use super::world::Scenario;
use super::world::upstream::{Arrival, Job, NANOS, Rule, Upstream, bound, jobs};
use crate::domain::Dimension;
use crate::limiter::random::Random;

/// How a client decides when to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    /// Everything at once, and again after the provider's hint or an exponential pause, as the official SDKs do.
    Retry,
    /// Counts of requests and estimated tokens per full minute.
    FixedWindow,
    /// Buckets that refill all the time; a request's tokens are taken when its answer is there.
    ChargeAfter,
    /// Ten at once, and requests paced to the limit of requests.
    Semaphore,
}

impl Policy {
    pub(super) const ALL: [Self; 4] = [Self::Retry, Self::FixedWindow, Self::ChargeAfter, Self::Semaphore];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Retry => "retry with backoff",
            Self::FixedWindow => "fixed windows",
            Self::ChargeAfter => "charge after the answer",
            Self::Semaphore => "semaphore and RPM",
        }
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Reaches(usize),
    Refused(usize, u64),
    Ends(usize),
    Again(usize),
    Wake,
}

pub(super) const ATTEMPTS: u32 = 8;
pub(super) const AT_ONCE: usize = 10;

/// What a client keeps of one limit.
pub(super) struct Account {
    rule: Rule,
    level: f64,
    at: f64,
}

impl Account {
    /// All limits at their full minute.
    pub(super) fn all(rules: &[Rule]) -> Vec<Self> {
        rules.iter().map(|rule| Self { rule: *rule, level: rule.per_minute, at: 0.0 }).collect()
    }
}

/// One scenario under one policy.
pub(super) fn run(policy: Policy, scenario: &Scenario) -> Figures {
    let (jobs, mut random) = jobs(scenario);
    let mut upstream = Upstream::new(scenario);
    let mut accounts = Account::all(&scenario.rules);
    let mut queue: VecDeque<usize> = (0..jobs.len()).collect();
    let mut attempts = vec![0_u32; jobs.len()];
    let mut heap = BinaryHeap::new();
    let (mut now, mut seq, mut out, mut woken) = (0_u64, 0_u64, 0_usize, 0_u64);
    let (mut requests, mut refused, mut failed, mut last) = (0, 0, 0, 0);
    let mut push = |heap: &mut BinaryHeap<Reverse<(u64, u64, Happening)>>, at: u64, what: Happening| {
        seq += 1;
        heap.push(Reverse((at, seq, what)));
    };
    loop {
        while let Some(index) = queue.front().copied() {
            if policy == Policy::Semaphore && out >= AT_ONCE {
                break;
            }
            if let Err(at) = may_go(policy, &mut accounts, &jobs[index], now) {
                if woken <= now || at < woken {
                    woken = at;
                    push(&mut heap, at, Happening::Wake);
                }
                break;
            }
            queue.pop_front();
            out += 1;
            push(&mut heap, now + way(scenario, &mut random), Happening::Reaches(index));
        }
        let Some(Reverse((at, _, happening))) = heap.pop() else { break };
        now = at;
        let secs = now as f64 / NANOS;
        match happening {
            Happening::Wake => {}
            Happening::Again(index) => queue.push_front(index),
            Happening::Reaches(index) => {
                requests += 1;
                match upstream.reaches(&jobs[index], secs) {
                    Arrival::Taken => push(&mut heap, now + (jobs[index].secs * NANOS) as u64, Happening::Ends(index)),
                    Arrival::Refused { wait_ms, .. } => {
                        push(&mut heap, now + way(scenario, &mut random), Happening::Refused(index, wait_ms));
                    }
                    Arrival::Dead => push(&mut heap, now + way(scenario, &mut random), Happening::Refused(index, 0)),
                }
            }
            Happening::Refused(index, wait_ms) => {
                refused += 1;
                out -= 1;
                attempts[index] += 1;
                if attempts[index] >= ATTEMPTS {
                    failed += 1;
                    continue;
                }
                push(&mut heap, now + pause(attempts[index], wait_ms, &mut random) * 1_000_000, Happening::Again(index));
            }
            Happening::Ends(index) => {
                upstream.ends(&jobs[index], secs);
                out -= 1;
                last = now;
                answered(policy, &mut accounts, &jobs[index]);
            }
        }
    }
    let makespan_secs = last as f64 / NANOS;
    let bound_secs = bound(scenario, &jobs, makespan_secs);
    Figures { efficiency: bound_secs / makespan_secs, requests, refused, failed, makespan_secs, bound_secs }
}

/// Milliseconds until the next attempt: the provider's hint, or an exponential pause with jitter.
pub(super) fn pause(attempts: u32, hint_ms: u64, random: &mut Random) -> u64 {
    let backoff = 500_u64 << attempts.min(4);
    hint_ms.max(backoff / 2 + random.below(backoff / 2))
}

/// Counts an answer.
pub(super) fn answered(policy: Policy, accounts: &mut [Account], job: &Job) {
    if policy == Policy::ChargeAfter {
        for account in accounts {
            account.level -= tokens(account.rule.dimension, job);
        }
    }
}

/// Takes what the policy counts, or says at which nanosecond to look again.
pub(super) fn may_go(policy: Policy, accounts: &mut [Account], job: &Job, now: u64) -> Result<(), u64> {
    let secs = now as f64 / NANOS;
    let after = |wait: f64| now + (wait.max(0.001) * NANOS) as u64;
    match policy {
        Policy::Retry => Ok(()),
        Policy::FixedWindow => {
            let minute = (secs / 60.0).floor();
            for account in accounts.iter_mut().filter(|account| (account.at / 60.0).floor() < minute) {
                account.level = account.rule.per_minute;
                account.at = secs;
            }
            let need =
                |account: &Account| if account.rule.dimension == Dimension::Requests { 1.0 } else { tokens(account.rule.dimension, job) };
            if accounts.iter().any(|account| account.level < need(account)) {
                return Err(after((minute + 1.0) * 60.0 - secs));
            }
            for account in accounts.iter_mut() {
                account.level -= need(account);
            }
            Ok(())
        }
        Policy::ChargeAfter | Policy::Semaphore => {
            let mut wait: f64 = 0.0;
            for account in accounts.iter_mut() {
                let per_sec = account.rule.per_minute / 60.0;
                account.level = (account.level + per_sec * (secs - account.at)).min(account.rule.per_minute);
                account.at = secs;
                let counted = policy == Policy::ChargeAfter || account.rule.dimension == Dimension::Requests;
                if counted && account.level < 1.0 {
                    wait = wait.max((1.0 - account.level) / per_sec);
                }
            }
            if wait > 0.0 {
                return Err(after(wait));
            }
            accounts.iter_mut().filter(|account| account.rule.dimension == Dimension::Requests).for_each(|account| account.level -= 1.0);
            Ok(())
        }
    }
}

const fn tokens(dimension: Dimension, job: &Job) -> f64 {
    match dimension {
        Dimension::InputTokens => job.input as f64,
        Dimension::OutputTokens => job.output as f64,
        Dimension::Tokens => (job.input + job.output) as f64,
        _ => 0.0,
    }
}

fn way(scenario: &Scenario, random: &mut Random) -> u64 {
    let (from, to) = scenario.way_millis;
    from * 1_000_000 + random.below((to - from) * 1_000_000)
}
