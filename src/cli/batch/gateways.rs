//! The gateway for a batch: that of the Tierline which serves this data folder, or one that is started for it. The latter
//! gives way when a window or `serve` starts on the same folder; the batch then goes on through theirs.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::super::context::Context;
use crate::batch::{Gateways, Looking, Opening, Room, Telling, Way};
use crate::domain::{AccountId, ClientName, Clock, Problem, Secret};
use crate::engine::{self, Answer, Engine, Request, registry};
use crate::store::{DataDir, Store};
use crate::vault::Vault;

/// Finds or starts the gateway for one batch.
pub(super) struct ForBatch {
    dir: DataDir,
    store: Store,
    vault: Vault,
    clock: Arc<dyn Clock>,
    account: AccountId,
    /// The batch's name as a client.
    client: String,
    own: Arc<Mutex<Option<Own>>>,
}

struct Own {
    engine: Engine,
    url: String,
    token: Secret,
}

/// How long a key may take to come out of the keyring, which may ask the user.
const KEY_TRIES: u32 = 600;
const KEY_PAUSE: Duration = Duration::from_millis(100);

impl ForBatch {
    pub(super) fn new(context: &Context, account: AccountId, client: String) -> Self {
        let Context { dir, store, vault, clock, .. } = context;
        let (dir, store, vault, clock) = (dir.clone(), store.clone(), vault.clone(), Arc::clone(clock));
        Self { dir, store, vault, clock, account, client, own: Arc::default() }
    }

    /// Makes the batch's token useless, and stops the engine if it was started here.
    pub(super) async fn close(&self) -> Result<(), Problem> {
        let own = self.own.lock().await.take();
        // a token that was never made, or is gone, is fine
        let _ = self.store.revoke_token(&ClientName::new(&self.client), self.clock.now().wall);
        if let Some(own) = own {
            return own.engine.stop().await;
        }
        let _ = self.ask(Request::Reload).await;
        Ok(())
    }

    async fn find_or_start(&self) -> Result<Way, Problem> {
        let mut own = self.own.lock().await;
        if let Some(own) = own.as_ref() {
            return Ok(Way { url: own.url.clone(), token: own.token.clone() });
        }
        match self.ask(Request::Status).await {
            Some(Answer::Status { gateway: Some(url), .. }) => {
                let token = self.new_token()?;
                match self.ask(Request::Reload).await {
                    Some(Answer::Done) => Ok(Way { url, token }),
                    Some(Answer::Failed(problem)) => Err(problem),
                    Some(_) | None => Err(Problem::new("the Tierline that serves this data folder does not answer")),
                }
            }
            Some(_) => Err(Problem::new("the Tierline that serves this data folder has no gateway").hint("see why in its window or log")),
            None => {
                let token = self.new_token()?;
                let engine = self.start().await?;
                let url = engine.url()?.to_owned();
                let asked = engine.asked_to_give_way();
                let place = Arc::clone(&self.own);
                tokio::spawn(async move {
                    asked.await;
                    let own = place.lock().await.take();
                    if let Some(own) = own
                        && let Err(problem) = own.engine.stop().await
                    {
                        tracing::warn!(%problem, "the batch's gateway gave way");
                    }
                });
                *own = Some(Own { engine, url: url.clone(), token: token.clone() });
                Ok(Way { url, token })
            }
        }
    }

    async fn start(&self) -> Result<Engine, Problem> {
        let engine = Engine::start(engine::Options {
            dir: self.dir.clone(),
            vault: self.vault.clone(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clock: Arc::clone(&self.clock),
            demo: false,
            wake: Box::new(|| ()),
        })
        .await?;
        match self.key(&engine).await {
            Ok(()) => Ok(engine),
            Err(problem) => {
                engine.stop().await?;
                Err(problem)
            }
        }
    }

    /// Waits for the account's key.
    async fn key(&self, engine: &Engine) -> Result<(), Problem> {
        let mut last = Ok(());
        for _ in 0..KEY_TRIES {
            if let Some(problem) = engine.registry().known().missing_keys.get(&self.account) {
                return Err(problem.clone());
            }
            last = engine.registry().with_key(self.account).map(drop);
            if last.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(KEY_PAUSE).await;
        }
        last
    }

    /// A token of the batch's own; one of an earlier run is worth nothing any more, because nobody knows it.
    fn new_token(&self) -> Result<Secret, Problem> {
        let _ = self.store.revoke_token(&ClientName::new(&self.client), self.clock.now().wall);
        registry::new_token(&self.store, &self.client, self.clock.as_ref())
    }

    async fn ask(&self, request: Request) -> Option<Answer> {
        let dir: PathBuf = self.dir.path().to_owned();
        tokio::task::spawn_blocking(move || engine::ask(&dir, &request)).await.ok().flatten()
    }
}

impl Gateways for ForBatch {
    fn open(&self) -> Opening<'_> {
        Box::pin(self.find_or_start())
    }

    fn room(&self) -> Looking<'_> {
        Box::pin(async {
            let Some(Answer::Status { buckets, budgets, queued, .. }) = self.ask(Request::Status).await else { return None };
            Some(Room::of(buckets, budgets, &queued, &self.client))
        })
    }

    fn answered(&self) -> Telling<'_> {
        Box::pin(async {
            match self.own.lock().await.as_ref() {
                Some(own) => own.engine.collect().await,
                // whoever does not answer takes them at its next start
                None => drop(self.ask(Request::Collect).await),
            }
        })
    }
}
