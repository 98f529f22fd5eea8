//! The desktop around the window: notifications, a tray icon, start at login. Each is behind one seam; where a platform or a
//! session has none of it, nothing happens.
//!
//! It sees the live view and answers with [`Wish`]es. Only what is switched on costs anything.

pub mod autostart;
pub mod news;
mod notify;
mod tray;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::domain::preferences::Preferences;
use crate::journal::LiveView;
use news::{Message, News};
use tray::Tray;

/// A notification on its way to the desktop.
pub type Shown = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What was chosen in the tray.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Bring the window to the front, or open it again.
    Open,
    /// End the program.
    Quit,
}

/// A square picture for the tray.
#[derive(Debug, Clone)]
pub struct Icon {
    /// In pixels.
    pub side: u32,
    /// Four bytes a pixel: red, green, blue, opacity.
    pub rgba: Vec<u8>,
}

/// Looks at the view no oftener than this: a second's delay of a notification is no loss.
const PAUSE: Duration = Duration::from_secs(1);

/// Shows a notification, or does nothing where nobody shows any.
#[must_use]
pub fn notify(message: Message) -> Shown {
    Box::pin(notify::show(message))
}

/// Tells the desktop what the user wants to be told, until nobody publishes preferences any more. `subscribe` is called while
/// something is switched on, and only then holds a view; `show` is given what is new, which is [`notify`] outside of tests.
pub async fn attend(
    subscribe: impl Fn() -> watch::Receiver<Arc<LiveView>>,
    mut preferences: watch::Receiver<Preferences>,
    icon: Icon,
    show: impl Fn(Message) -> Shown,
    act: impl Fn(Wish) + Send + Sync + 'static,
) {
    let act: Arc<dyn Fn(Wish) + Send + Sync> = Arc::new(act);
    let mut news = News::default();
    loop {
        let wanted = preferences.borrow_and_update().clone();
        if wanted.notify.nothing() && !wanted.tray {
            if preferences.changed().await.is_err() {
                return;
            }
            continue;
        }
        let mut tray = if wanted.tray { Tray::show(icon.clone(), Arc::clone(&act)).await } else { None };
        let mut views = subscribe();
        loop {
            let view = Arc::clone(&views.borrow_and_update());
            for message in news.of(&view, &wanted.notify) {
                show(message).await;
            }
            if let Some(tray) = &mut tray {
                tray.tell(&view).await;
            }
            tokio::time::sleep(PAUSE).await;
            tokio::select! {
                changed = views.changed() => if changed.is_err() { return },
                changed = preferences.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    break;
                }
            }
        }
    }
}
