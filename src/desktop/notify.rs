//! Shows a notification. On Linux through the desktop's own service on the session bus; elsewhere not yet.

use super::news::Message;

/// Shows it, or does nothing where nobody shows notifications.
#[cfg(target_os = "linux")]
pub(super) async fn show(message: Message) {
    use std::collections::BTreeMap;
    use zbus::zvariant::Value;

    let call = move || {
        let bus = zbus::blocking::Connection::session()?;
        let (replaces, actions, hints, expires) = (0_u32, Vec::<&str>::new(), BTreeMap::<&str, Value<'_>>::new(), -1_i32);
        let body = ("Tierline", replaces, "tierline", &message.title, &message.text, actions, hints, expires);
        let service = "org.freedesktop.Notifications";
        bus.call_method(Some(service), "/org/freedesktop/Notifications", Some(service), "Notify", &body).map(drop)
    };
    if let Ok(Err(error)) = tokio::task::spawn_blocking(call).await {
        tracing::info!(%error, "the desktop shows no notifications");
    }
}

/// Other platforms have no notifications yet.
#[cfg(not(target_os = "linux"))]
pub(super) async fn show(message: Message) {
    tracing::info!(title = message.title, "this platform shows no notifications yet");
}
