//! What all requests to one simulated provider share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use http::HeaderMap;

use super::batch::Desk;
use super::class::class_of;
use super::clock::Clock;
use super::config::{Limits, SimConfig, SimProvider};
use super::meters::Meters;
use super::prompt_cache::PromptCache;
use super::rng::Rng;
use super::stats::{Counters, ModelCounters, SimStats};

/// One simulated provider.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: SimConfig,
    pub(super) clock: Clock,
    pub(super) rng: Rng,
    pub(super) counters: Counters,
    pub(super) cache: PromptCache,
    pub(super) batches: Desk,
    /// Whose key it is, in words of this provider.
    pub(super) organization: String,
    /// The buckets of count_tokens.
    pub(super) counting: Arc<Model>,
    models: RwLock<BTreeMap<String, Arc<Model>>>,
    classes: Mutex<BTreeMap<String, Arc<Class>>>,
}

/// One model as requests name it.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) class: Arc<Class>,
    pub(super) counters: ModelCounters,
}

/// The models that share buckets.
#[derive(Debug)]
pub(super) struct Class {
    meters: Mutex<Meters>,
    /// What the answer before should have shown.
    previous_headers: Mutex<HeaderMap>,
}

impl Class {
    fn new(config: &SimConfig, limits: &Limits, clock: Clock) -> Self {
        let meters = Mutex::new(Meters::new(config, limits, clock, clock.now()));
        Self { meters, previous_headers: Mutex::default() }
    }

    pub(super) fn meters(&self) -> MutexGuard<'_, Meters> {
        self.meters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps `headers` for the next answer and hands out those kept before.
    pub(super) fn swap_headers(&self, headers: HeaderMap) -> HeaderMap {
        std::mem::replace(&mut *self.previous_headers.lock().unwrap_or_else(PoisonError::into_inner), headers)
    }
}

impl Shared {
    pub(super) fn new(config: SimConfig) -> Self {
        let clock = Clock::start(config.clock_skew_seconds);
        let rng = Rng::new(config.seed);
        let organization = config.identity.organization.clone().unwrap_or_else(|| match config.provider {
            SimProvider::Anthropic => rng.uuid(),
            SimProvider::OpenAi | SimProvider::Gemini | SimProvider::DeepSeek => rng.id("org-", 24),
        });
        let limits = Limits { rpm: config.count_tokens.rpm, ..Limits::default() };
        let counting = Arc::new(Model { class: Arc::new(Class::new(&config, &limits, clock)), counters: ModelCounters::default() });
        Self {
            clock,
            rng,
            counters: Counters::default(),
            cache: PromptCache::default(),
            batches: Desk::default(),
            organization,
            counting,
            models: RwLock::default(),
            classes: Mutex::default(),
            config,
        }
    }

    /// The model of this name, new or known.
    pub(super) fn model(&self, name: &str) -> Arc<Model> {
        if let Some(known) = self.models.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Arc::clone(known);
        }
        let class = self.class(class_of(&self.config, name));
        let mut models = self.models.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(models.entry(name.to_owned()).or_insert_with(|| Arc::new(Model { class, counters: ModelCounters::default() })))
    }

    fn class(&self, name: String) -> Arc<Class> {
        let mut classes = self.classes.lock().unwrap_or_else(PoisonError::into_inner);
        let limits = *self.config.class_limits.get(&name).unwrap_or(&self.config.limits);
        Arc::clone(classes.entry(name).or_insert_with(|| Arc::new(Class::new(&self.config, &limits, self.clock))))
    }

    pub(super) fn stats(&self) -> SimStats {
        let models = self.models.read().unwrap_or_else(PoisonError::into_inner);
        SimStats {
            models: models.iter().map(|(name, model)| (name.clone(), model.counters.read())).collect(),
            uploads: self.batches.uploads(),
            ..self.counters.read()
        }
    }
}
