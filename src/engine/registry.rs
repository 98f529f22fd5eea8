//! Accounts, tokens and limits: kept in the store, keys in the vault; what they are now is known to the gateway and the limiter.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

use crate::domain::command::{FoundKey, MovedAccount, NewAccount, UserLimit};
use crate::domain::fallback::FallbackView;
use crate::domain::rules::{LimitRule, Rules};
use crate::domain::{
    Account, AccountId, Alias, BaseUrl, Budget, ClientName, Clock, Fallback, KeyRef, ModelId, Period, Problem, Provider, Scope, Secret,
};
use crate::gateway::{ClientToken, Endpoint, Routes};
use crate::limiter::{AccountSetup, ConfiguredLimit, Limiter};
use crate::store::{AccountRow, AdminLimit, Reader, Store};
use crate::vault::{self, Vault};

/// Everything the user set, in one place. Cheap to clone.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    store: Store,
    vault: Vault,
    limiter: Limiter,
    clock: Arc<dyn Clock>,
    routes: watch::Sender<Arc<Routes>>,
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    accounts: Arc<Vec<Account>>,
    tokens: Arc<Vec<crate::store::ClientToken>>,
    aliases: Vec<Alias>,
    fallbacks: Vec<Fallback>,
    rules: Arc<Rules>,
    keys: BTreeMap<AccountId, Result<Secret, Problem>>,
    vault: Option<Result<String, Problem>>,
}

/// What the user set, for the view.
pub struct Known {
    /// Every account.
    pub accounts: Arc<Vec<Account>>,
    /// Every local token.
    pub tokens: Arc<Vec<crate::store::ClientToken>>,
    /// Limits, routes and aliases.
    pub rules: Arc<Rules>,
    /// Why an account's key could not be had.
    pub missing_keys: BTreeMap<AccountId, Problem>,
    /// Where keys are kept, or why they cannot be; `None` while it is not known.
    pub vault: Option<Result<String, Problem>>,
}

impl Registry {
    pub(super) fn new(store: Store, vault: Vault, limiter: Limiter, clock: Arc<dyn Clock>, routes: watch::Sender<Arc<Routes>>) -> Self {
        Self(Arc::new(Inner { store, vault, limiter, clock, routes, state: Mutex::default(), changes: watch::Sender::new(0) }))
    }

    /// Reads everything anew from the store and tells the gateway and the limiter. Keys that are known already stay known,
    /// where the account still goes where it went; keys in the environment and in memory are read at once, the keyring is not
    /// asked.
    pub async fn reload(&self) -> Result<(), Problem> {
        let reader = self.reader()?;
        let accounts = reader.accounts()?;
        let limits = reader.user_limits()?;
        let read = reader.admin_limits()?;
        let mut identities = reader.identities()?;
        let tokens = reader.tokens()?;
        let aliases = reader.aliases()?;
        let fallbacks = reader.fallbacks()?;
        let rules = rules(&limits, &read, &fallbacks, &aliases, &accounts, self.0.clock.now().wall);
        let configured = configured(read);
        let mut keys = std::mem::take(&mut self.lock().keys);
        let before = Arc::clone(&self.lock().accounts);
        keys.retain(|id, _| {
            let at = |accounts: &[Account]| {
                accounts.iter().find(|account| account.id == *id).map(|a| (a.base_url.clone(), a.key.clone(), a.fingerprint.clone()))
            };
            at(&accounts).is_some() && at(&accounts) == at(&before)
        });
        for account in &accounts {
            let at_once = !matches!(account.key, KeyRef::Keyring { .. });
            if at_once && !matches!(keys.get(&account.id), Some(Ok(_))) {
                keys.insert(account.id, self.0.vault.get_for(account).await);
            }
        }
        let known: Vec<AccountId> = self.lock().accounts.iter().map(|account| account.id).collect();
        self.0.limiter.with(|core, now| {
            for gone in known.iter().filter(|id| !accounts.iter().any(|account| account.id == **id)) {
                core.remove_account(*gone);
            }
            for account in &accounts {
                let setup = AccountSetup {
                    id: account.id,
                    provider: account.provider,
                    dialect: account.dialect(),
                    label: account.label.clone(),
                    scope: identities.remove(&account.id).and_then(|known| Scope::from_identity(account.provider, &known)),
                };
                core.set_account(setup);
            }
            core.set_user_limits(&limits, now);
            core.set_configured(configured, now);
        });
        super::budgets::load(&self.0.store, &reader, &self.0.limiter, self.0.clock.as_ref())?;
        {
            let mut state = self.lock();
            state.accounts = Arc::new(accounts);
            state.tokens = Arc::new(tokens);
            state.aliases = aliases;
            state.fallbacks = fallbacks;
            state.rules = Arc::new(rules);
            state.keys = keys;
        }
        self.publish_routes();
        Ok(())
    }

    /// Asks the keyring for the keys that are in it. It may show a dialog, and take its time.
    pub(super) async fn unlock_keys(&self) {
        let status = self.0.vault.status().await;
        self.lock().vault = Some(status);
        let accounts = Arc::clone(&self.lock().accounts);
        for account in accounts.iter() {
            if !matches!(self.lock().keys.get(&account.id), Some(Ok(_))) {
                let key = self.0.vault.get_for(account).await;
                self.lock().keys.insert(account.id, key);
                self.publish_routes();
            }
        }
        self.changed();
    }

    /// Whether each account's key was asked for, whatever the answer.
    pub(super) fn asked_for_all_keys(&self) -> bool {
        let state = self.lock();
        state.accounts.iter().all(|account| state.keys.contains_key(&account.id))
    }

    /// Told of every change.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// The view is to be made anew.
    pub(super) fn changed(&self) {
        self.0.changes.send_modify(|changes| *changes += 1);
    }

    /// What the user set, for the view.
    #[must_use]
    pub fn known(&self) -> Known {
        let state = self.lock();
        let missing_keys = state.keys.iter().filter_map(|(id, key)| key.as_ref().err().map(|problem| (*id, problem.clone()))).collect();
        Known {
            accounts: Arc::clone(&state.accounts),
            tokens: Arc::clone(&state.tokens),
            rules: Arc::clone(&state.rules),
            missing_keys,
            vault: state.vault.clone(),
        }
    }

    /// Whether the user said that this name stands for another.
    pub(super) fn has_alias(&self, account: AccountId, model: &ModelId) -> bool {
        self.lock().aliases.iter().any(|alias| alias.account == account && alias.from == *model)
    }

    /// Stores an account and its key.
    pub async fn add(&self, new: NewAccount) -> Result<(), Problem> {
        add_account(&self.0.store, &self.0.vault, new, self.0.clock.as_ref()).await?;
        self.reload().await?;
        self.unlock_keys().await;
        Ok(())
    }

    /// Lets an account go somewhere else, with the key for that place.
    pub async fn relocate(&self, moved: MovedAccount) -> Result<(), Problem> {
        let account = self.account(moved.id)?;
        move_account(&self.0.store, &self.0.vault, &account, &moved.base_url, &moved.key).await?;
        self.reload().await?;
        self.unlock_keys().await;
        Ok(())
    }

    /// Forgets an account and deletes its key.
    pub async fn remove(&self, id: AccountId) -> Result<(), Problem> {
        let account = self.account(id)?;
        remove_account(&self.0.store, &self.0.vault, &account).await?;
        self.reload().await
    }

    /// Stores the keys found in these environment variables.
    pub async fn import(&self, variables: &[String]) -> Result<(), Problem> {
        let accounts = Arc::clone(&self.lock().accounts);
        for found in found_keys(&accounts).into_iter().filter(|found| variables.contains(&found.variable)) {
            import_key(&self.0.store, &self.0.vault, &found, self.0.clock.as_ref()).await?;
        }
        self.reload().await?;
        self.unlock_keys().await;
        Ok(())
    }

    /// Makes a local token.
    pub async fn new_token(&self, client: &str) -> Result<Secret, Problem> {
        let token = new_token(&self.0.store, client, self.0.clock.as_ref())?;
        self.reload().await?;
        Ok(token)
    }

    /// Makes a client's token useless.
    pub async fn revoke_token(&self, client: &str) -> Result<(), Problem> {
        self.0.store.revoke_token(&ClientName::new(client), self.0.clock.now().wall)?;
        self.reload().await
    }

    /// Sets or clears one of the user's own ceilings.
    pub async fn set_limit(&self, limit: UserLimit) -> Result<(), Problem> {
        self.0.store.set_limit(limit)?;
        self.reload().await
    }

    /// Sets a budget.
    pub async fn set_budget(&self, budget: Budget) -> Result<(), Problem> {
        self.0.store.set_budget(budget)?;
        self.reload().await
    }

    /// Takes a budget away.
    pub async fn remove_budget(&self, account: Option<AccountId>, period: Period) -> Result<(), Problem> {
        self.0.store.remove_budget(account, period)?;
        self.reload().await
    }

    /// Switches a fallback route on.
    pub async fn add_fallback(&self, route: Fallback) -> Result<(), Problem> {
        let route = super::preview(route, &self.known().accounts, self.0.clock.now().wall)?.route;
        self.0.store.add_fallback(route)?;
        self.reload().await
    }

    /// Switches a fallback route off.
    pub async fn remove_fallback(&self, route: Fallback) -> Result<(), Problem> {
        self.0.store.remove_fallbacks(route.from, Some((route.account, route.to)))?;
        self.reload().await
    }

    /// Lets a model's name stand for another.
    pub async fn set_alias(&self, alias: Alias) -> Result<(), Problem> {
        self.0.store.set_alias(alias)?;
        self.reload().await
    }

    /// Lets requests name what they name again.
    pub async fn remove_alias(&self, account: AccountId, from: ModelId) -> Result<(), Problem> {
        self.0.store.remove_alias(account, from)?;
        self.reload().await
    }

    /// An account with its key.
    pub fn with_key(&self, id: AccountId) -> Result<(Account, Secret), Problem> {
        let account = self.account(id)?;
        match self.lock().keys.get(&id) {
            Some(Ok(key)) => Ok((account, key.clone())),
            Some(Err(problem)) => Err(problem.clone()),
            None => Err(Problem::new(format!("the key of account {} has not been read yet", account.label))
                .hint("unlock the keyring and try again")),
        }
    }

    /// A new read-only connection to the history.
    pub fn reader(&self) -> Result<Reader, Problem> {
        self.0.store.reader()
    }

    pub(super) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(super) fn limiter(&self) -> &Limiter {
        &self.0.limiter
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// An account by its row.
    pub(super) fn account(&self, id: AccountId) -> Result<Account, Problem> {
        let accounts = Arc::clone(&self.lock().accounts);
        accounts.iter().find(|account| account.id == id).cloned().ok_or_else(|| Problem::new("this account is not there any more"))
    }

    fn publish_routes(&self) {
        let state = self.lock();
        let endpoints = state.accounts.iter().map(|account| {
            let known = state.keys.get(&account.id);
            let key = known.and_then(|key| key.as_ref().ok()).cloned();
            let aliases = state.aliases.iter().filter(|alias| alias.account == account.id).cloned().collect();
            Endpoint::new(account.clone(), key).awaiting_key(known.is_none()).with_aliases(aliases)
        });
        let tokens = state.tokens.iter().map(|token| ClientToken { client: token.client.clone(), sha256: token.hash, account: None });
        let routes = Routes::new(endpoints.collect(), tokens.collect()).with_fallbacks(&state.fallbacks);
        drop(state);
        self.0.routes.send_replace(Arc::new(routes));
        self.changed();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stores an account: its key in the vault first, then its row; the key is taken back if the row is refused.
pub async fn add_account(store: &Store, vault: &Vault, new: NewAccount, clock: &dyn Clock) -> Result<Account, Problem> {
    let place = KeyRef::Memory { entry: new.label.clone() };
    let row = account_row(new.provider, &new.label, new.base_url.as_deref(), &new.key, place, clock)?;
    let key_name = row.base_url.bound_entry(&format!("{}/{}", new.provider.name(), new.label));
    if store.reader()?.accounts()?.iter().any(|account| account.label == row.label) {
        return Err(Problem::new(format!("an account is already called {:?}", row.label)).hint("choose another label, or remove that one"));
    }
    let key = vault.put(&key_name, &new.key).await.map_err(Problem::from)?;
    match store.add_account(AccountRow { key: key.clone(), ..row }) {
        Ok(account) => Ok(account),
        Err(problem) => {
            let _ = vault.delete(&key).await;
            Err(problem)
        }
    }
}

/// Stores an account whose key stays in an environment variable of whoever serves.
pub fn add_env_account(
    store: &Store,
    provider: Provider,
    label: &str,
    base_url: Option<&str>,
    variable: &str,
    clock: &dyn Clock,
) -> Result<Account, Problem> {
    // for its fingerprint; the key itself is not stored
    let key = vault::from_env(variable).map_err(Problem::from)?;
    let row = account_row(provider, label, base_url, &key, KeyRef::Env { variable: variable.to_owned() }, clock)?;
    store.add_account(row)
}

/// Lets an account go somewhere else. The key that it has is bound to where it went, so the key for the new place comes with it,
/// also if it is the same.
pub async fn move_account(store: &Store, vault: &Vault, account: &Account, base_url: &str, key: &Secret) -> Result<Account, Problem> {
    let base_url = BaseUrl::parse(base_url).map_err(|why| Problem::new(why.to_string()))?;
    let entry = base_url.bound_entry(&format!("{}/{}", account.provider.name(), account.label));
    let place = vault.put(&entry, key).await.map_err(Problem::from)?;
    let moved = Account { base_url, fingerprint: key.fingerprint(), key: place, ..account.clone() };
    let moves = moved.key != account.key;
    match store.move_account(&moved) {
        Ok(()) if moves => vault.delete(&account.key).await.map_err(Problem::from)?,
        Err(problem) => {
            if moves {
                let _ = vault.delete(&moved.key).await;
            }
            return Err(problem);
        }
        Ok(()) => {}
    }
    Ok(moved)
}

/// The same for an account whose key stays in an environment variable of whoever serves.
pub fn move_env_account(store: &Store, account: &Account, base_url: &str, variable: &str) -> Result<Account, Problem> {
    let base_url = BaseUrl::parse(base_url).map_err(|why| Problem::new(why.to_string()))?;
    let key = vault::from_env(variable).map_err(Problem::from)?;
    let place = KeyRef::Env { variable: variable.to_owned() };
    let moved = Account { base_url, fingerprint: key.fingerprint(), key: place, ..account.clone() };
    store.move_account(&moved)?;
    Ok(moved)
}

/// Forgets an account, its key first.
pub async fn remove_account(store: &Store, vault: &Vault, account: &Account) -> Result<(), Problem> {
    vault.delete(&account.key).await.map_err(Problem::from)?;
    store.remove_account(account.id)
}

/// Stores one key that was found in the environment, under its provider's name.
pub async fn import_key(store: &Store, vault: &Vault, found: &FoundKey, clock: &dyn Clock) -> Result<Account, Problem> {
    let taken: Vec<String> = store.reader()?.accounts()?.into_iter().map(|account| account.label).collect();
    let label = free_label(found.provider.name(), &taken);
    if matches!(vault, Vault::Env) {
        return add_env_account(store, found.provider, &label, None, &found.variable, clock);
    }
    let key = vault::from_env(&found.variable).map_err(Problem::from)?;
    add_account(store, vault, NewAccount { provider: found.provider, label, base_url: None, key }, clock).await
}

/// The keys in this process's environment that SDKs would use.
#[must_use]
pub fn found_keys(accounts: &[Account]) -> Vec<FoundKey> {
    let mut found: Vec<FoundKey> = Vec::new();
    for provider in Provider::ALL {
        for variable in provider.key_variables() {
            let Ok(key) = vault::from_env(variable) else { continue };
            let fingerprint = key.fingerprint();
            // GEMINI_API_KEY and GOOGLE_API_KEY are often the same key
            if found.iter().any(|other| other.fingerprint == fingerprint) {
                continue;
            }
            let known = accounts.iter().any(|account| account.fingerprint == fingerprint);
            found.push(FoundKey { variable: (*variable).to_owned(), provider, fingerprint, known });
        }
    }
    found
}

/// Makes a local token and stores its hash.
pub fn new_token(store: &Store, client: &str, clock: &dyn Clock) -> Result<Secret, Problem> {
    check_name("client", client)?;
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| Problem::new("the system gave no random numbers").because(error))?;
    let hex = bytes.iter().fold(String::from("tl-"), |text, byte| format!("{text}{byte:02x}"));
    let token = Secret::from_pasted(&hex).map_err(|error| Problem::new("no token could be made").because(error))?;
    store.add_token(&ClientName::new(client), &token, clock.now().wall)?;
    Ok(token)
}

fn account_row(
    provider: Provider,
    label: &str,
    base_url: Option<&str>,
    key: &Secret,
    at: KeyRef,
    clock: &dyn Clock,
) -> Result<AccountRow, Problem> {
    check_name("label", label)?;
    let url = base_url.or(provider.default_base_url()).ok_or_else(|| {
        Problem::new("a custom account needs a base URL")
            .hint("give it with --base-url, as the provider's SDK wants it: https://openrouter.ai/api/v1")
    })?;
    let base_url = BaseUrl::parse(url).map_err(|why| Problem::new(why.to_string()))?;
    Ok(AccountRow { provider, label: label.to_owned(), base_url, fingerprint: key.fingerprint(), key: at, created_at: clock.now().wall })
}

/// The rules as they are shown. A route that its account cannot serve any more is shown with the reason.
fn rules(
    limits: &[UserLimit],
    read: &[AdminLimit],
    fallbacks: &[Fallback],
    aliases: &[Alias],
    accounts: &[Account],
    now: Timestamp,
) -> Rules {
    let own = limits.iter().map(|limit| LimitRule { limit: limit.clone(), read_at: None });
    let read = read.iter().map(|limit| {
        let AdminLimit { account, class, dimension, period, capacity, read_at } = limit.clone();
        LimitRule { limit: UserLimit { account, class: Some(class), dimension, period, capacity: Some(capacity) }, read_at: Some(read_at) }
    });
    let route = |route: &Fallback| {
        let label = accounts.iter().find(|account| account.id == route.account).map_or_else(String::new, |account| account.label.clone());
        let broken = |problem: Problem| FallbackView { route: route.clone(), label, apis: Vec::new(), differences: vec![problem.summary] };
        super::preview(route.clone(), accounts, now).unwrap_or_else(broken)
    };
    Rules { limits: own.chain(read).collect(), routes: fallbacks.iter().map(route).collect(), aliases: aliases.to_vec() }
}

/// What was read with admin keys, the oldest first, so that the newest word holds.
fn configured(mut limits: Vec<AdminLimit>) -> Vec<ConfiguredLimit> {
    limits.sort_by_key(|limit| limit.read_at);
    let configured = |limit| {
        let AdminLimit { account, class, dimension, period, capacity, .. } = limit;
        ConfiguredLimit { account, class, dimension, period, capacity }
    };
    limits.into_iter().map(configured).collect()
}

/// Labels and client names stand in routes, headers and files.
fn check_name(what: &str, name: &str) -> Result<(), Problem> {
    let fine = !name.is_empty() && name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if fine {
        return Ok(());
    }
    Err(Problem::new(format!("the {what} {name:?} cannot be used")).hint("use 1 to 64 letters, digits, '-', '_' or '.'"))
}

fn free_label(wanted: &str, taken: &[String]) -> String {
    let mut label = wanted.to_owned();
    let mut n = 2;
    while taken.contains(&label) {
        label = format!("{wanted}-{n}");
        n += 1;
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_fit_no_route_are_refused() {
        for name in ["work", "my-key_2.0"] {
            assert!(check_name("label", name).is_ok(), "{name}");
        }
        for name in ["", "a b", "a/b", "ü", &"x".repeat(65)] {
            assert!(check_name("label", name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_taken_label_gets_a_number() {
        assert_eq!(free_label("openai", &["openai".into(), "openai-2".into()]), "openai-3");
    }
}
