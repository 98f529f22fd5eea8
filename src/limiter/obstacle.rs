//! What stands in the way of the next in line, and until when.

use std::collections::BTreeMap;
use std::time::Duration;

use super::book::BucketId;
use super::bucket::{Ready, is_measured};
use super::burst::Want;
use super::core::{Core, LineKey, LineState};
use super::line::Ticket;
use crate::domain::{Api, Dialect, Now, Tick};

/// Why the next in line may not go yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Obstacle {
    pub(super) until: Option<Tick>,
    pub(super) bucket: Option<BucketId>,
}

impl Core {
    /// While nothing is known of a line's limits, this many requests are sent at first; one where headers will tell.
    const FIRST_WINDOW: u64 = 8;
    /// The window grows by one with each clean answer, and by one each time this long passes without any where headers are waited
    /// for.
    const FIRST_PATIENCE: Duration = Duration::from_millis(1_250);
    /// Where only a refusal will tell, it also doubles in this time, evenly.
    const FIRST_DOUBLING: Duration = Duration::from_millis(1_500);
    /// A request that has waited this long keeps others from taking what it needs.
    const CLAIM_AFTER: Duration = Duration::from_secs(2);

    /// The next in line may go, or this stands in its way.
    pub(super) fn obstacle(&mut self, key: &LineKey, ticket: Ticket, claims: &BTreeMap<BucketId, u64>, now: Now) -> Option<Obstacle> {
        let waiting = self.waiting.get(&ticket)?;
        let account = self.accounts.get(&waiting.ask.account)?;
        let state = self.lines.get(key)?;
        let mut until = waiting.not_before.filter(|at| *at > now.tick);
        let mut bucket = None;
        let mut released = false;
        if let Some(stop) = &account.stopped
            && (stop.trying || now.tick < stop.until)
        {
            until = until.max(Some(stop.until.max(now.tick + Duration::from_secs(1))));
        }
        if let Some(outage) = account.breakers.get(&(key.1.clone(), waiting.ask.facts.api)).and_then(|breaker| breaker.forbids(now.tick)) {
            until = until.max(Some(outage.next_try));
        }
        if let Some(at) = self.first_window_opens(state, account.setup.dialect, waiting.ask.facts.api, now) {
            until = until.max(Some(at));
        }
        for id in &state.buckets {
            let entry = self.book.get_mut(*id);
            let need = entry.need(&waiting.expected).total();
            if need == 0 {
                continue;
            }
            entry.bucket.refill(now);
            let claimed = claims.get(id).copied().unwrap_or(0);
            match entry.bucket.ready(need.saturating_add(claimed), now) {
                Ready::Now => {}
                Ready::At(at) => {
                    if until.is_none_or(|until| at > until) && !released {
                        bucket = Some(*id);
                    }
                    until = until.max(Some(at));
                }
                Ready::OnRelease => {
                    released = true;
                    bucket = Some(*id);
                }
            }
        }
        released |= self.is_money_held(waiting.ask.account, waiting.price);
        (until.is_some() || released).then_some(Obstacle { until: until.filter(|_| !released), bucket })
    }

    /// Before limits are known, the number of requests in flight starts small: when may one more go? `None` if now.
    fn first_window_opens(&self, state: &LineState, dialect: Dialect, api: Api, now: Now) -> Option<Tick> {
        if state.verified || !generates(api) || state.buckets.iter().any(|id| is_measured(self.book.get(*id).bucket.limit().source)) {
            return None;
        }
        let first = state.first_sent_at?;
        let start = if sends_limits(dialect) { 1 } else { Self::FIRST_WINDOW };
        // a window of answers doubles the window: 1 + 1 answers make 2, 2 more make 4, ...
        let answered = start + state.clean_answers;
        if state.in_flight < answered {
            return None;
        }
        if sends_limits(dialect) && state.clean_answers > 0 {
            return Some(now.tick + Self::FIRST_PATIENCE);
        }
        if sends_limits(dialect) {
            // one more each second is what the smallest limits allow
            let opens = first + Self::FIRST_PATIENCE * u32::try_from(state.in_flight + 1 - answered).unwrap_or(u32::MAX);
            return (opens > now.tick).then_some(opens);
        }
        // so does time in which nobody is refused; between two doublings it grows evenly
        let patience = Self::FIRST_DOUBLING.as_nanos();
        let passed = now.tick.since(first).as_nanos();
        let window = u128::from(start) << (passed / patience).min(30);
        let due = u128::from(state.in_flight + 1).saturating_sub(window) * patience / window;
        let opens = first + Duration::from_nanos(u64::try_from(passed / patience * patience + due).unwrap_or(u64::MAX));
        (opens > now.tick).then_some(opens)
    }

    /// What was learned since it stood in the queue counts for it as well.
    pub(super) fn expect_anew(&mut self, key: &LineKey, ticket: Ticket) {
        let learned = self.estimator.learned();
        let Some(waiting) = self.waiting.get_mut(&ticket).filter(|waiting| waiting.learned < learned) else { return };
        let expected = self.estimator.expect(&waiting.kind, &waiting.ask.facts);
        if let Some(state) = self.lines.get_mut(key) {
            state.line.revise(ticket, waiting.ask.lane, &waiting.expected, &expected);
        }
        waiting.expected = expected;
        waiting.learned = learned;
    }

    /// Writes down what a request waits for. Answers whether a short-time allowance that was all that stood in its way has grown.
    pub(super) fn note_obstacle(
        &mut self,
        key: &LineKey,
        head: Ticket,
        obstacle: Obstacle,
        claims: &mut BTreeMap<BucketId, u64>,
        now: Now,
    ) -> Want {
        let budget = self.waiting.get(&head).and_then(|waiting| self.money_holds_up(waiting.ask.account, waiting.price));
        let Some(waiting) = self.waiting.get_mut(&head) else { return Want::Unknown };
        if obstacle.bucket.is_some() {
            waiting.bound_by = obstacle.bucket;
        }
        waiting.bound_by_budget = waiting.bound_by_budget.or(budget);
        let claims_now = now.tick.since(waiting.since) >= Self::CLAIM_AFTER;
        let expected = waiting.expected;
        let Some(state) = self.lines.get(key) else { return Want::Unknown };
        let mut answer = Want::Unknown;
        for id in &state.buckets {
            let entry = self.book.get_mut(*id);
            let need = entry.need(&expected).total();
            let asked = need.saturating_mul(state.since_idle + state.line.first_tries());
            if entry.bucket.held_back_by_burst(need, now) && entry.bucket.is_burst_worth_trying(asked, state.since_idle) {
                let want = entry.bucket.burst_mut().want(need, state.refusals_take(), now.tick);
                if want == Want::Grew {
                    return want;
                }
                answer = answer.sooner(want);
            }
            if claims_now {
                *claims.entry(*id).or_default() += need;
            }
        }
        answer
    }
}

/// Whether answers of this dialect carry limits in their headers.
const fn sends_limits(dialect: Dialect) -> bool {
    matches!(
        dialect,
        Dialect::Anthropic
            | Dialect::OpenAi
            | Dialect::AzureOpenAi
            | Dialect::Groq
            | Dialect::Mistral
            | Dialect::Fireworks
            | Dialect::Cerebras
    )
}

/// Whether this API's answers draw on the token buckets and carry their headers.
const fn generates(api: Api) -> bool {
    matches!(api, Api::Messages | Api::ChatCompletions | Api::Completions | Api::Responses | Api::GenerateContent | Api::Embeddings)
}
