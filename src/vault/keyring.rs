//! The keyring behind one thread: its calls block, some until the user has answered a dialog, and none may block us.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use keyring::{Entry, Error};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::error::{VaultError, classify};
use crate::domain::{Problem, Secret};

/// Under which name the keyring's own programs show our entries.
const SERVICE: &str = "tierline";
/// An entry that nobody writes; asking for it shows whether the service answers, and unlocks nothing.
const PROBE: &str = "probe";
/// How many calls may wait while a dialog is open.
const QUEUE: usize = 64;

/// A handle to the thread `vault`. Cheap to clone; the thread ends with the last one.
#[derive(Debug, Clone)]
pub struct Keyring {
    jobs: SyncSender<Job>,
    patience: Duration,
}

type Answer<T> = oneshot::Sender<Result<T, VaultError>>;

#[derive(Debug)]
enum Job {
    Get(String, Answer<Secret>),
    Put(String, Secret, Answer<()>),
    Delete(String, Answer<()>),
}

/// What the thread needs of a keyring.
trait Backend: Send + 'static {
    fn get(&self, entry: &str) -> Result<Zeroizing<String>, Error>;
    fn put(&self, entry: &str, key: &str) -> Result<(), Error>;
    fn delete(&self, entry: &str) -> Result<(), Error>;
}

impl Keyring {
    /// Starts the thread. The keyring is first touched when something is asked of it; each answer may take `patience`.
    pub fn start(patience: Duration) -> Result<Self, Problem> {
        Self::start_with(System, patience)
    }

    fn start_with(backend: impl Backend, patience: Duration) -> Result<Self, Problem> {
        let (jobs, waiting) = sync_channel(QUEUE);
        thread::Builder::new()
            .name("vault".into())
            .spawn(move || work(&backend, &waiting))
            .map_err(|e| Problem::new("could not start the thread for the keyring").because(e))?;
        Ok(Self { jobs, patience })
    }

    pub(super) async fn get(&self, entry: &str) -> Result<Secret, VaultError> {
        self.ask(|answer| Job::Get(entry.to_owned(), answer)).await
    }

    pub(super) async fn put(&self, entry: &str, key: &Secret) -> Result<(), VaultError> {
        self.ask(|answer| Job::Put(entry.to_owned(), key.clone(), answer)).await
    }

    pub(super) async fn delete(&self, entry: &str) -> Result<(), VaultError> {
        self.ask(|answer| Job::Delete(entry.to_owned(), answer)).await
    }

    /// Whether the service answers at all.
    pub(super) async fn probe(&self) -> Result<(), VaultError> {
        match self.get(PROBE).await {
            Err(VaultError::NotFound(_)) => Ok(()),
            other => other.map(drop),
        }
    }

    async fn ask<T>(&self, job: impl FnOnce(Answer<T>) -> Job) -> Result<T, VaultError> {
        let (answer, answered) = oneshot::channel();
        match self.jobs.try_send(job(answer)) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(VaultError::Waiting(self.patience)),
            Err(TrySendError::Disconnected(_)) => return Err(thread_ended()),
        }
        match tokio::time::timeout(self.patience, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(thread_ended()),
            Err(_) => Err(VaultError::Waiting(self.patience)),
        }
    }
}

fn thread_ended() -> VaultError {
    VaultError::Other("the thread for the keyring has ended; start Tierline again".into())
}

fn work(backend: &impl Backend, jobs: &Receiver<Job>) {
    for job in jobs {
        match job {
            // who has given up was told so: nothing may happen behind the user's back
            Job::Get(_, answer) if answer.is_closed() => {}
            Job::Put(_, _, answer) | Job::Delete(_, answer) if answer.is_closed() => {}
            Job::Get(entry, answer) => {
                let key = backend.get(&entry).map_err(|e| classify(&e, &entry)).and_then(|text| {
                    let place = || format!("the entry {entry:?} of the system's keyring");
                    Secret::from_pasted(&text).map_err(|why| VaultError::NoKey { place: place(), why })
                });
                let _ = answer.send(key);
            }
            Job::Put(entry, key, answer) => {
                let stored = backend.put(&entry, key.expose()).map_err(|e| classify(&e, &entry));
                if answer.send(stored).is_err() {
                    // stored after all, but nobody will refer to it
                    let _ = backend.delete(&entry);
                }
            }
            Job::Delete(entry, answer) => {
                let deleted = match backend.delete(&entry) {
                    Ok(()) | Err(Error::NoEntry) => Ok(()),
                    Err(e) => Err(classify(&e, &entry)),
                };
                let _ = answer.send(deleted);
            }
        }
    }
}

/// The real one, through the crate `keyring`.
struct System;

impl System {
    fn entry(name: &str) -> Result<Entry, Error> {
        // the crate opens the store once and afterwards only says that there is none: the first failure is the one that explains
        if let Err(Error::PlatformFailure(why)) = Entry::store_status() {
            return Err(Error::PlatformFailure(why.to_string().into()));
        }
        Entry::new(SERVICE, name)
    }
}

impl Backend for System {
    fn get(&self, entry: &str) -> Result<Zeroizing<String>, Error> {
        Self::entry(entry)?.get_password().map(Zeroizing::new)
    }

    fn put(&self, entry: &str, key: &str) -> Result<(), Error> {
        Self::entry(entry)?.set_password(key)
    }

    fn delete(&self, entry: &str) -> Result<(), Error> {
        Self::entry(entry)?.delete_credential()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A keyring that answers a call only when it is let.
    struct Fake {
        keys: Arc<Mutex<BTreeMap<String, String>>>,
        let_one: Mutex<Receiver<()>>,
    }

    impl Fake {
        fn wait(&self) {
            self.let_one.lock().unwrap().recv().unwrap();
        }
    }

    impl Backend for Fake {
        fn get(&self, entry: &str) -> Result<Zeroizing<String>, Error> {
            self.wait();
            self.keys.lock().unwrap().get(entry).cloned().map(Zeroizing::new).ok_or(Error::NoEntry)
        }

        fn put(&self, entry: &str, key: &str) -> Result<(), Error> {
            self.wait();
            self.keys.lock().unwrap().insert(entry.into(), key.into());
            Ok(())
        }

        fn delete(&self, entry: &str) -> Result<(), Error> {
            self.keys.lock().unwrap().remove(entry).map(drop).ok_or(Error::NoEntry)
        }
    }

    type Keys = Arc<Mutex<BTreeMap<String, String>>>;

    fn fake(patience: Duration) -> (Keyring, Sender<()>, Keys) {
        let (let_one, waiting) = channel();
        let keys = Arc::default();
        let backend = Fake { keys: Arc::clone(&keys), let_one: Mutex::new(waiting) };
        (Keyring::start_with(backend, patience).unwrap(), let_one, keys)
    }

    fn key() -> Secret {
        Secret::from_pasted("sk-test-1").unwrap()
    }

    #[tokio::test]
    async fn what_was_put_can_be_got_until_it_is_deleted() {
        let (keyring, let_one, _) = fake(Duration::from_secs(60));
        for _ in 0..4 {
            let_one.send(()).unwrap();
        }
        keyring.put("a", &key()).await.unwrap();
        assert!(keyring.get("a").await.unwrap().matches(b"sk-test-1"));
        keyring.delete("a").await.unwrap();
        keyring.delete("a").await.unwrap();
        assert!(matches!(keyring.get("a").await, Err(VaultError::NotFound(_))));
        keyring.probe().await.unwrap();
    }

    #[tokio::test]
    async fn an_open_dialog_costs_patience_and_leaves_nothing_behind() {
        let patience = Duration::from_millis(20);
        let (keyring, let_one, keys) = fake(patience);
        // one call hangs in the keyring, one waits behind it; both are given up
        let key = key();
        let (hanging, behind) = tokio::join!(keyring.put("a", &key), keyring.put("b", &key));
        assert_eq!(hanging, Err(VaultError::Waiting(patience)));
        assert_eq!(behind, Err(VaultError::Waiting(patience)));
        // the dialog is answered at last, and the next call finds the keyring usable and empty
        for _ in 0..2 {
            let_one.send(()).unwrap();
        }
        let keyring = Keyring { patience: Duration::from_secs(60), ..keyring };
        assert!(matches!(keyring.get("a").await, Err(VaultError::NotFound(_))));
        assert!(keys.lock().unwrap().is_empty());
    }
}
