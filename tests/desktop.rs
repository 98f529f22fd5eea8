//! What the desktop is told, by the seam and, with `TIERLINE_TEST_NOTIFICATIONS=1` on a session bus of the test's own, by the real call.

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
    let (tell, mut shown) = mpsc::channel(8);
    let show = move |message| -> desktop::Shown {
        let tell = tell.clone();
        Box::pin(async move { tell.send(message).await.unwrap() })
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
#[tokio::test(flavor = "multi_thread")]
async fn a_notification_reaches_the_service_on_the_bus() {
    use std::collections::BTreeMap;

    use zbus::blocking::{Connection, MessageIterator};
    use zbus::zvariant::OwnedValue;

    /// As the specification has it: program, replaced, icon, title, text, actions, hints, life.
    type Call = (String, u32, String, String, String, Vec<String>, BTreeMap<String, OwnedValue>, i32);

    if std::env::var_os("TIERLINE_TEST_NOTIFICATIONS").is_none() {
        return;
    }
    // nobody is there yet: nothing happens
    desktop::notify(told("too early", "")).await;
    let serve = || {
        let bus = Connection::session().unwrap();
        let messages = MessageIterator::from(&bus);
        bus.request_name("org.freedesktop.Notifications").unwrap();
        (bus, messages)
    };
    let (bus, messages) = tokio::task::spawn_blocking(serve).await.unwrap();
    let hear = tokio::task::spawn_blocking(move || {
        let is_ours = |message: &zbus::Message| message.header().member().is_some_and(|member| member == "Notify");
        let call = messages.map(Result::unwrap).find(is_ours).unwrap();
        bus.reply(&call.header(), &1_u32).unwrap();
        let (program, _, _, title, text, ..): Call = call.body().deserialize().unwrap();
        (program, title, text)
    });
    desktop::notify(told("Batch 1 is done", "rows.jsonl")).await;
    let heard = timeout(PATIENCE, hear).await.unwrap().unwrap();
    assert_eq!(heard, ("Tierline".into(), "Batch 1 is done".into(), "rows.jsonl".into()));
}
