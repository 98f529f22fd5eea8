//! What one admitted request holds: its place in flight and what it was charged. Settled exactly once, at the latest on drop.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::answer::InputUsage;
use super::ask::Ask;
use super::config::{Charge, SimConfig, SimProvider};
use super::meters::{Dim, Draw, Levels, Refusal};
use super::state::{Model, Shared};
use super::wire::Wire;

/// What a request takes by the charge rule, before and after.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bill {
    provider: SimProvider,
    rule: Charge,
    input: u64,
    /// Output taken in advance.
    reserve: u64,
    arrival: Draw,
}

impl Bill {
    pub(super) fn new(config: &SimConfig, wire: Wire, ask: &Ask, input: InputUsage) -> Self {
        // Anthropic does not count what comes from the cache
        let counted = if config.provider == SimProvider::Anthropic { input.plain + input.cache_write } else { input.total() };
        let (input, reserve) = match config.charge {
            _ if wire.only_counts() => (0, 0),
            Charge::ReservesMax { .. } if wire.generates() => (counted, ask.max_tokens.unwrap_or(config.output.tokens) * ask.choices),
            Charge::Actual | Charge::ReservesMax { .. } => (counted, 0),
            Charge::CharsOver4PlusReserve(reserve) => (ask.prompt_chars.div_ceil(4), if wire.generates() { reserve } else { 0 }),
        };
        Self::with(config, input, reserve)
    }

    /// What a request takes that is refused only after it was counted: OpenAI's probe with no messages.
    pub(super) fn of_empty(config: &SimConfig) -> Self {
        Self::with(config, 1, 0)
    }

    fn with(config: &SimConfig, input: u64, reserve: u64) -> Self {
        let bill = Self { provider: config.provider, rule: config.charge, input, reserve, arrival: Draw::default() };
        let request = Draw::request();
        Self { arrival: bill.tokens(input, reserve).with(Dim::Rpm, request[Dim::Rpm]).with(Dim::Rpd, request[Dim::Rpd]), ..bill }
    }

    fn tokens(&self, input: u64, output: u64) -> Draw {
        // Gemini's daily tokens are input
        let daily = if self.provider == SimProvider::Gemini { input } else { input + output };
        Draw::default().with(Dim::Itpm, input).with(Dim::Otpm, output).with(Dim::Tpm, input + output).with(Dim::Tpd, daily)
    }

    /// What is still to be taken and what is to be given back, now that so much output was made; and what that comes to.
    fn settled(&self, output: u64) -> (Draw, Draw, u64) {
        let nothing = Draw::default();
        match self.rule {
            Charge::Actual => (self.tokens(0, output), nothing, output),
            Charge::ReservesMax { refund } => {
                let back = if refund { self.reserve.saturating_sub(output) } else { 0 };
                let more = output.saturating_sub(self.reserve);
                (self.tokens(0, more), self.tokens(0, back), self.reserve + more - back)
            }
            Charge::CharsOver4PlusReserve(_) => (nothing, nothing, self.reserve),
        }
    }
}

/// An admitted request.
#[derive(Debug)]
pub(super) struct Ticket {
    shared: Arc<Shared>,
    model: Arc<Model>,
    bill: Bill,
    /// The limits as they were just after it was admitted.
    pub(super) admission: Levels,
    /// Output tokens made so far: what is charged, also when the client leaves.
    pub(super) made: u64,
    /// Where nobody counts what is made, because the client gets it all at once.
    progress: Option<Progress>,
    open: bool,
}

/// Output that is made out of sight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    /// Nanoseconds from the admission to the first token.
    pub(super) first: u64,
    /// Nanoseconds per token.
    pub(super) per_token: u64,
    /// Tokens in the end.
    pub(super) total: u64,
}

impl Progress {
    fn made_after(self, nanos: u64) -> u64 {
        nanos.checked_sub(self.first).map_or(0, |making| making.checked_div(self.per_token).unwrap_or(u64::MAX).min(self.total))
    }
}

impl Ticket {
    /// Draws on all limits of the model's class, or on none.
    pub(super) fn draw(shared: &Arc<Shared>, model: Arc<Model>, bill: Bill, input: InputUsage) -> Result<Self, Box<Refusal>> {
        let admitted = model.class.meters().admit(&bill.arrival, shared.clock.now());
        match admitted {
            Ok(admission) => {
                shared.counters.enter();
                shared.counters.charged_input.fetch_add(bill.input, Relaxed);
                model.counters.admitted.fetch_add(1, Relaxed);
                model.counters.input.fetch_add(input.plain, Relaxed);
                model.counters.cache_read.fetch_add(input.cache_read, Relaxed);
                model.counters.cache_write.fetch_add(input.cache_write, Relaxed);
                Ok(Self { shared: Arc::clone(shared), model, bill, admission, made: 0, progress: None, open: true })
            }
            Err(refusal) => {
                shared.counters.refuse(refusal.dim);
                model.counters.refused.fetch_add(1, Relaxed);
                Err(refusal)
            }
        }
    }

    /// Ends the request with what was made. The limits as they are now.
    pub(super) fn settle(&mut self) -> Levels {
        let now = self.shared.clock.now();
        if !std::mem::take(&mut self.open) {
            return self.model.class.meters().levels(now);
        }
        let (take, give_back, charged) = self.bill.settled(self.made);
        self.shared.counters.charged_output.fetch_add(charged, Relaxed);
        self.shared.counters.leave();
        self.model.counters.output.fetch_add(self.made, Relaxed);
        self.model.class.meters().settle(&take, &give_back, now)
    }

    /// From now on output is made out of sight.
    pub(super) fn work(&mut self, progress: Progress) {
        self.progress = Some(progress);
    }

    pub(super) fn model(&self) -> &Model {
        &self.model
    }
}

/// Still open: the client left.
impl Drop for Ticket {
    fn drop(&mut self) {
        if self.open {
            self.shared.counters.disconnects.fetch_add(1, Relaxed);
            if let Some(progress) = self.progress {
                self.made = progress.made_after(self.shared.clock.now().saturating_sub(self.admission.at));
            }
            self.settle();
        }
    }
}
