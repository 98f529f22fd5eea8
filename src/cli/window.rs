//! `tierline`: the window, and the engine behind it.

use std::net::SocketAddr;
use std::sync::Arc;

use super::context::vault;
use super::{Common, Done, serve};
use crate::clock::SystemClock;
use crate::domain::command::Command;
use crate::domain::{Clock, Problem};
use crate::engine::{self, Answer, Engine, Options, Request};
use crate::store::DataDir;
use crate::ui::{self, UiState};

/// What runs beside the engine while the window is open.
pub(super) type Beside = Box<dyn FnOnce(&Engine) -> Result<tokio::task::JoinHandle<()>, Problem>>;

/// Opens the window and serves until it is closed.
pub(super) fn run(common: &Common, listen: SocketAddr, demo: Option<(DataDir, Beside)>) -> Result<Done, Problem> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let is_demo = demo.is_some();
    let (dir, vault, beside) = match demo {
        Some((dir, beside)) => (dir, crate::vault::Vault::memory(), Some(beside)),
        None => (DataDir::open(common.data_dir.as_deref())?, vault(common.vault)?, None),
    };
    let runtime = serve::runtime()?;
    let guard = runtime.enter();
    let repaint = ui::repaint_handle();
    let (wake, show) = (repaint.clone(), repaint.clone());
    let options = Options {
        dir: dir.clone(),
        vault,
        listen,
        clock: Arc::clone(&clock),
        demo: is_demo,
        wake: Box::new(move || wake.wake()),
        show: Some(Arc::new(move || show.show())),
    };
    let engine = match runtime.block_on(Engine::start(options)) {
        Ok(engine) => engine,
        // whoever starts it again looks for the window that is open already
        Err(_) if engine::ask(dir.path(), &Request::Show) == Some(Answer::Done) => return Ok(Done::Well),
        Err(problem) => return Err(problem),
    };
    let beside = beside.map(|start| start(&engine)).transpose()?;
    let commands = engine.commands();
    let send = Box::new(move |command: Command| {
        if let Err(refused) = commands.try_send(command) {
            // the reply inside is dropped, and the window sees that no answer will come
            tracing::warn!(%refused, "an order could not be taken");
        }
    });
    let state = engine.store().reader()?.setting(UiState::SETTING)?.map(|text| UiState::from_json(&text)).unwrap_or_default();
    // a polite request to end closes the window, and what runs drains as after any other closing
    let closer = repaint.clone();
    let asked_to_end = serve::signal();
    let ending = tokio::spawn(async move {
        asked_to_end.await;
        closer.close();
    });
    let shown = ui::run(ui::WindowOptions { send, views: engine.views(), clock, state, repaint });
    ending.abort();
    if let Some(beside) = beside {
        beside.abort();
    }
    let stopped = runtime.block_on(engine.stop());
    drop(guard);
    shown.and(stopped).map(|()| Done::Well)
}
