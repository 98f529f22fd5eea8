//! What a one-shot command works with: the data folder, the store, the vault, and the process that serves, if one does.

use std::sync::Arc;

use super::{Common, VaultKind};
use crate::clock::SystemClock;
use crate::domain::{Clock, Problem};
use crate::engine::{self, Answer, Request};
use crate::store::{DataDir, Reader, Store};
use crate::vault::Vault;

/// What a one-shot command works with.
pub(super) struct Context {
    pub(super) dir: DataDir,
    pub(super) store: Store,
    pub(super) vault: Vault,
    pub(super) kind: VaultKind,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) json: bool,
}

impl Context {
    pub(super) fn open(common: &Common) -> Result<Self, Problem> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let dir = DataDir::open(common.data_dir.as_deref())?;
        let (store, notices) = Store::open(&dir, clock.as_ref())?;
        for notice in notices {
            tracing::warn!("{notice}");
        }
        Ok(Self { dir, store, vault: vault(common.vault)?, kind: common.vault, clock, json: common.json })
    }

    pub(super) fn reader(&self) -> Result<Reader, Problem> {
        self.store.reader()
    }

    /// Tells the process that serves that something changed. That none does is fine.
    pub(super) fn tell_server(&self) -> Result<(), Problem> {
        match engine::ask(self.dir.path(), &Request::Reload) {
            Some(Answer::Failed(problem)) => Err(problem),
            Some(_) | None => Ok(()),
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // what a one-shot command writes is written before it says so; this only folds the log into the database
        let _ = self.store.close();
    }
}

/// The vault that was asked for.
pub(super) fn vault(kind: VaultKind) -> Result<Vault, Problem> {
    match kind {
        VaultKind::Keyring => Vault::keyring(),
        VaultKind::Env => Ok(Vault::Env),
        VaultKind::Memory => Ok(Vault::memory()),
    }
}
