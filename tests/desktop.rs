//! What the desktop is told, by the seam and, with `TIERLINE_TEST_NOTIFICATIONS=1` on a session bus of the test's own, by the real call.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail where they stand, too")]

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tierline::desktop::news::Message;
use tierline::desktop::{self, Icon};
use tierline::domain::preferences::Notify;
use tierline::domain::{Notice, Preferences, Severity};
use tierline::journal::LiveView;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

fn view(failing: &[&str]) -> Arc<LiveView> {
    let at = Timestamp::UNIX_EPOCH;
    let mut view = LiveView::new(at);
    for label in failing {
        let text = format!("{label} keeps failing");
        view.notice(Notice { key: format!("outage/{label}"), at, severity: Severity::Error, text, hint: None });
    }
    Arc::new(view)
}

fn told(title: &str, text: &str) -> Message {
    Message { title: title.into(), text: text.into() }
}

#[tokio::test]
async fn the_desktop_is_told_only_what_is_switched_on() {
    let (views, seen) = watch::channel(view(&["work"]));
    let (preferences, chosen) = watch::channel(Preferences::default());
    let (tell, mut shown) = mpsc::unbounded_channel();
    let show = move |message| -> desktop::Shown {
        let tell = tell.clone();
        Box::pin(async move { tell.send(message).unwrap() })
    };
    let watched = seen.clone();
    let attending = tokio::spawn(desktop::attend(move || watched.clone(), chosen, Icon { side: 0, rgba: Vec::new() }, show, |_| ()));

    let notify = Notify { outages: true, ..Notify::default() };
    preferences.send_replace(Preferences { notify, ..Preferences::default() });
    let first = timeout(PATIENCE, shown.recv()).await.unwrap();
    assert_eq!(first, Some(told("An endpoint keeps failing", "work keeps failing")), "what went on before is told once it is wanted");
    views.send_replace(view(&["work", "home"]));
    let second = timeout(PATIENCE, shown.recv()).await.unwrap();
    assert_eq!(second, Some(told("An endpoint keeps failing", "home keeps failing")));

    drop(preferences);
    timeout(PATIENCE, attending).await.unwrap().unwrap();
    assert_eq!(shown.recv().await, None, "nothing else was told");
}

#[cfg(target_os = "linux")]
mod bus {
    use std::collections::HashMap;
    use std::env;
    use std::sync::mpsc::{Sender, channel};

    use tierline::desktop;
    use zbus::zvariant::OwnedValue;

    use super::{PATIENCE, told};

    /// The desktop's part: takes the call as the specification has it.
    struct Daemon(Sender<(String, String, String)>);

    #[zbus::interface(name = "org.freedesktop.Notifications")]
    impl Daemon {
        #[expect(clippy::too_many_arguments, reason = "the specification has eight")]
        #[expect(clippy::needless_pass_by_value, reason = "so is the call decoded")]
        fn notify(
            &self,
            app: String,
            _replaces: u32,
            _icon: String,
            title: String,
            text: String,
            _actions: Vec<String>,
            _hints: HashMap<String, OwnedValue>,
            _expires: i32,
        ) -> u32 {
            self.0.send((app, title, text)).unwrap();
            1
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_notification_reaches_the_service_on_the_bus() {
        if env::var_os("TIERLINE_TEST_NOTIFICATIONS").is_none() {
            return;
        }
        // nobody is there yet: nothing happens
        desktop::notify(told("too early", "")).await;
        let (heard, hears) = channel();
        let serve = move || {
            let service = zbus::blocking::connection::Builder::session()?.name("org.freedesktop.Notifications")?;
            service.serve_at("/org/freedesktop/Notifications", Daemon(heard))?.build()
        };
        let _service = tokio::task::spawn_blocking(serve).await.unwrap().unwrap();
        desktop::notify(told("Batch 1 is done", "rows.jsonl")).await;
        let heard = tokio::task::spawn_blocking(move || hears.recv_timeout(PATIENCE)).await.unwrap().unwrap();
        assert_eq!(heard, ("Tierline".into(), "Batch 1 is done".into(), "rows.jsonl".into()));
    }
}
