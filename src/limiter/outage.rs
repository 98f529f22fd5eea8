//! What the limiter does while an endpoint keeps failing: refuses at once, with the reason and the time of the next try.

use std::time::Duration;

use super::breaker::{Breaker, Outage};
use super::core::{Core, Effect, LineKey, Stop};
use super::handle::Ask;
use super::line::Ticket;
use crate::domain::{AccountId, Api, LocalReason, LocalRefusal, Notice, Now, Severity, Tick};

impl Core {
    /// Lets the next request of an account (of all accounts, if none is named) try at once what keeps failing or was
    /// stopped. What it lets try, a line each.
    pub fn try_now(&mut self, id: Option<AccountId>, now: Now) -> Vec<String> {
        let mut tried = Vec::new();
        for (_, account) in self.accounts.iter_mut().filter(|(known, _)| id.is_none_or(|id| id == **known)) {
            let label = &account.setup.label;
            for ((class, api), breaker) in &mut account.breakers {
                if let Some(Outage { reason, .. }) = breaker.outage() {
                    tried.push(format!("{label}: {class} ({}), which failed: {reason}", api.name()));
                    breaker.try_now(now.tick);
                }
            }
            if let Some(Stop { until, reason, trying }) = &mut account.stopped {
                tried.push(format!("{label}, which was stopped: {reason}"));
                (*until, *trying) = (now.tick, false);
            }
        }
        tried
    }

    /// Why this request would only meet an endpoint that keeps failing.
    pub(super) fn outage(&self, ask: &Ask, now: Now) -> Option<LocalRefusal> {
        let account = self.accounts.get(&ask.account)?;
        let outage = account.breakers.get(&(ask.class.clone(), ask.facts.api))?.forbids(now.tick)?;
        Some(refusal(&account.setup.label, outage, now))
    }

    /// An attempt failed. If that begins an outage, whoever waits for the same endpoint is refused now rather than at its deadline.
    pub(super) fn note_failure(&mut self, key: &LineKey, api: Api, reason: &str, hint: Option<Duration>, now: Now) {
        let Some(account) = self.accounts.get_mut(&key.0) else { return };
        let breaker = account.breakers.entry((key.1.clone(), api)).or_default();
        let began = breaker.failed(now.tick, reason, hint);
        let Some(outage) = breaker.forbids(now.tick).cloned() else { return };
        let label = account.setup.label.clone();
        let waiting: Vec<Ticket> = self
            .waiting
            .iter()
            .filter(|(_, w)| w.ask.account == key.0 && w.ask.class == key.1 && w.ask.facts.api == api)
            .map(|(ticket, _)| *ticket)
            .collect();
        for ticket in waiting {
            self.refuse_waiting(ticket, refusal(&label, &outage, now));
        }
        if began {
            let text = format!("{label} does not answer for {}: {reason}", key.1);
            let secs = Breaker::PAUSE.as_secs();
            let hint = format!("requests fail at once, and one in {secs} s tries again; `tierline probe --now` lets the next one try now");
            self.notice(&label, now, text, Some(hint));
        }
    }

    /// An attempt was answered as by an endpoint that works.
    pub(super) fn note_success(&mut self, key: &LineKey, api: Api, now: Now) {
        let Some(account) = self.accounts.get_mut(&key.0) else { return };
        let ended = account.breakers.entry((key.1.clone(), api)).or_default().succeeded(now.tick);
        if ended && account.breakers.values().all(|breaker| breaker.outage().is_none()) {
            let label = account.setup.label.clone();
            self.notice(&label, now, String::new(), None);
        }
    }

    /// The request that was to try came to nothing either way: its client went away.
    pub(super) fn note_nothing(&mut self, key: &LineKey, api: Api, now: Tick) {
        if let Some(breaker) = self.accounts.get_mut(&key.0).and_then(|account| account.breakers.get_mut(&(key.1.clone(), api))) {
            breaker.try_now(now);
        }
    }

    fn notice(&mut self, label: &str, now: Now, text: String, hint: Option<String>) {
        self.effects.push(Effect::Notice(Notice { key: format!("outage/{label}"), at: now.wall, severity: Severity::Error, text, hint }));
    }
}

fn refusal(label: &str, outage: &Outage, now: Now) -> LocalRefusal {
    let wait = outage.next_try.since(now.tick);
    LocalRefusal {
        reason: LocalReason::BreakerOpen,
        bucket: None,
        retry_after: Some(wait),
        ready_at: Some(now.wall_at(outage.next_try)),
        message: format!(
            "account {label} does not answer: {}; the request was not sent, the next one is let through to try in {:.1} s",
            outage.reason,
            wait.as_secs_f64(),
        ),
    }
}
