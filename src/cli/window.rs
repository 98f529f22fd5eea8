//! `tierline`: the window, and the engine behind it.

use std::net::SocketAddr;
use std::sync::Arc;

use super::context::vault;
use super::door::Door;
use super::{Common, Done, serve};
use crate::clock::SystemClock;
use crate::desktop::{self, Wish};
use crate::domain::command::Command;
use crate::domain::{Clock, Problem};
use crate::engine::{self, Answer, Engine, Options, Request};
use crate::store::DataDir;
use crate::ui::{self, UiState};

/// What runs beside the engine while the window is open.
pub(super) type Beside = Box<dyn FnOnce(&Engine) -> Result<tokio::task::JoinHandle<()>, Problem>>;

/// In pixels.
const TRAY_ICON: u32 = 32;

/// Opens the window and serves until it is closed, or until the program is told to end if the gateway shall go on without it. If
/// another Tierline of the user has a window, that one is brought to the front instead.
pub(super) fn run(common: &Common, listen: SocketAddr, demo: Option<(DataDir, Beside)>) -> Result<Done, Problem> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let is_demo = demo.is_some();
    let (dir, vault, beside) = match demo {
        Some((dir, beside)) => (dir, crate::vault::Vault::memory(), Some(beside)),
        None => (DataDir::open(common.data_dir.as_deref())?, vault(common.vault)?, None),
    };
    if engine::ask(dir.path(), &Request::Show) == Some(Answer::Done) {
        return Ok(Done::Well);
    }
    let runtime = serve::runtime()?;
    let guard = runtime.enter();
    let repaint = ui::repaint_handle();
    let wake = repaint.clone();
    let options =
        Options { dir: dir.clone(), vault, listen, clock: Arc::clone(&clock), demo: is_demo, wake: Box::new(move || wake.wake()) };
    let engine = runtime.block_on(Engine::start(options))?;
    let beside = beside.map(|start| start(&engine)).transpose()?;
    let door = Arc::new(Door::new(repaint.clone()));
    let tasks = [tokio::spawn(hear(Arc::clone(&door), engine.shows())), tokio::spawn(attend(&engine, &door))];

    let mut shown;
    loop {
        let state = engine.store().reader()?.setting(UiState::SETTING)?.map(|text| UiState::from_json(&text)).unwrap_or_default();
        let preferences = engine.preferences().borrow().clone();
        let (clock, repaint) = (Arc::clone(&clock), repaint.clone());
        door.stands_open(true);
        shown = ui::run(ui::WindowOptions { send: send(&engine, &door), views: engine.views(), clock, state, preferences, repaint });
        door.stands_open(false);
        if shown.is_err() || door.quits() || is_demo || !engine.preferences().borrow().keep_running {
            break;
        }
        runtime.block_on(door.asked());
        if door.quits() {
            break;
        }
    }
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    if let Some(beside) = beside {
        beside.abort();
    }
    let stopped = runtime.block_on(engine.stop());
    drop(guard);
    shown.and(stopped).map(|()| Done::Well)
}

/// Where the window puts its orders.
fn send(engine: &Engine, door: &Arc<Door>) -> ui::Send {
    let (commands, door) = (engine.commands(), Arc::clone(door));
    Box::new(move |command: Command| {
        if matches!(command, Command::Quit) {
            door.quit();
        } else if let Err(refused) = commands.try_send(command) {
            // the reply inside is dropped, and the window sees that no answer will come
            tracing::warn!(%refused, "an order could not be taken");
        }
    })
}

/// A polite request to end closes the window, and another start of the program brings it to the front.
async fn hear(door: Arc<Door>, mut shows: tokio::sync::watch::Receiver<()>) {
    let ended = serve::signal();
    tokio::pin!(ended);
    loop {
        tokio::select! {
            () = &mut ended => return door.quit(),
            Ok(()) = shows.changed() => door.open(),
        }
    }
}

fn attend(engine: &Engine, door: &Arc<Door>) -> impl Future<Output = ()> + Send + 'static {
    let views = engine.views_later();
    let icon = desktop::Icon { side: TRAY_ICON, rgba: ui::mark::rgba(TRAY_ICON) };
    let door = Arc::clone(door);
    desktop::attend(views, engine.preferences(), icon, desktop::notify, move |wish| match wish {
        Wish::Open => door.open(),
        Wish::Quit => door.quit(),
    })
}
