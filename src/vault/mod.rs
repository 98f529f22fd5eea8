//! Where provider keys are kept: the operating system's keyring, environment variables, or only this process. Never a file of ours.

mod error;
mod keyring;

use std::collections::BTreeMap;
use std::env::{self, VarError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::secret::BadKey;
use crate::domain::{Account, KeyRef, Problem, Secret};

pub use error::VaultError;
pub use keyring::Keyring;

/// A place for keys. Cheap to clone; nothing here blocks a thread.
#[derive(Debug, Clone)]
pub enum Vault {
    /// The keyring of the operating system: Secret Service, Keychain, Credential Manager.
    Keyring(Keyring),
    /// Environment variables that accounts name. Stores nothing.
    Env,
    /// This process, until it ends.
    Memory(Memory),
}

/// Keys that are forgotten when the process ends.
#[derive(Debug, Clone, Default)]
pub struct Memory(Arc<Mutex<BTreeMap<String, Secret>>>);

impl Vault {
    /// How long the keyring may take to answer: enough to type the password of an unlock dialog.
    pub const PATIENCE: Duration = Duration::from_secs(20);

    /// The keyring, behind a thread of its own.
    pub fn keyring() -> Result<Self, Problem> {
        Keyring::start(Self::PATIENCE).map(Self::Keyring)
    }

    /// An empty vault in memory.
    #[must_use]
    pub fn memory() -> Self {
        Self::Memory(Memory::default())
    }

    /// The key that an account refers to. A variable can be read whatever the vault.
    pub async fn get(&self, key: &KeyRef) -> Result<Secret, VaultError> {
        match (self, key) {
            (_, KeyRef::Env { variable }) => from_env(variable),
            (Self::Keyring(keyring), KeyRef::Keyring { entry }) => keyring.get(entry).await,
            (Self::Memory(memory), KeyRef::Memory { entry }) => {
                memory.keys().get(entry).cloned().ok_or_else(|| VaultError::NotFound(format!("the entry {entry:?} in memory")))
            }
            (_, KeyRef::Memory { entry }) => Err(VaultError::NotFound(format!("the entry {entry:?} in memory"))),
            (_, KeyRef::Keyring { .. }) => Err(VaultError::InKeyring),
        }
    }

    /// An account's key, if it was stored for the account's base URL.
    pub async fn get_for(&self, account: &Account) -> Result<Secret, Problem> {
        Ok(self.get(account.key_place()?).await?)
    }

    /// Stores a key under a name, replacing what was there, and says how to refer to it.
    pub async fn put(&self, entry: &str, key: &Secret) -> Result<KeyRef, VaultError> {
        let entry = entry.to_owned();
        match self {
            Self::Keyring(keyring) => keyring.put(&entry, key).await.map(|()| KeyRef::Keyring { entry }),
            Self::Env => Err(VaultError::StoresNothing),
            Self::Memory(memory) => {
                memory.keys().insert(entry.clone(), key.clone());
                Ok(KeyRef::Memory { entry })
            }
        }
    }

    /// Forgets a key. One that is not there, or that is not ours to delete, is no error.
    pub async fn delete(&self, key: &KeyRef) -> Result<(), VaultError> {
        match (self, key) {
            (Self::Keyring(keyring), KeyRef::Keyring { entry }) => keyring.delete(entry).await,
            (Self::Memory(memory), KeyRef::Memory { entry }) => {
                memory.keys().remove(entry);
                Ok(())
            }
            (_, KeyRef::Env { .. } | KeyRef::Memory { .. }) => Ok(()),
            (_, KeyRef::Keyring { .. }) => Err(VaultError::InKeyring),
        }
    }

    /// Where keys are kept, for people; or why they cannot be.
    pub async fn status(&self) -> Result<String, Problem> {
        match self {
            Self::Keyring(keyring) => keyring.probe().await.map(|()| "the system's keyring".to_owned()).map_err(Problem::from),
            Self::Env => Ok("environment variables; nothing is stored".to_owned()),
            Self::Memory(_) => Ok("memory, until Tierline ends".to_owned()),
        }
    }
}

impl Memory {
    fn keys(&self) -> MutexGuard<'_, BTreeMap<String, Secret>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key in an environment variable of this process.
pub fn from_env(variable: &str) -> Result<Secret, VaultError> {
    let bad = |why| VaultError::NoKey { place: format!("the environment variable {variable}"), why };
    match env::var(variable) {
        Ok(text) => Secret::from_pasted(&zeroize::Zeroizing::new(text)).map_err(bad),
        Err(VarError::NotPresent) => Err(VaultError::NotSet(variable.to_owned())),
        Err(VarError::NotUnicode(_)) => Err(bad(BadKey::Unprintable)),
    }
}
