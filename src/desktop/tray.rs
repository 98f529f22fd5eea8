//! A tray icon with the fullest limit, and a menu. On Linux as a status notifier item on the session bus; elsewhere not yet.

#[cfg(not(target_os = "linux"))]
pub(super) use none::Tray;
#[cfg(target_os = "linux")]
pub(super) use status_notifier::Tray;

use crate::journal::LiveView;

/// What the tray says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Told {
    /// The fullest limit, in a line.
    fullest: String,
    /// Where the gateway listens, or why it does not.
    gateway: String,
}

impl Told {
    fn of(view: &LiveView) -> Self {
        let fullest = view.buckets.iter().max_by(|a, b| a.share_used().total_cmp(&b.share_used()));
        let gateway = match &view.gateway {
            Ok(url) => url.clone(),
            Err(why) => format!("no gateway: {why}"),
        };
        let fullest = fullest.map_or_else(
            || "no limit is known".to_owned(),
            |bucket| format!("{:.0} % of {} of {}", bucket.share_used() * 100.0, bucket.meter, bucket.key.class),
        );
        Self { fullest, gateway }
    }
}

#[cfg(target_os = "linux")]
mod status_notifier {
    use std::sync::Arc;

    use ksni::blocking::{Handle, TrayMethods};
    use ksni::menu::{MenuItem, StandardItem};

    use super::super::{Icon, Wish};
    use super::Told;
    use crate::journal::LiveView;

    /// The icon, as long as it is held.
    pub(in super::super) struct Tray {
        handle: Handle<Item>,
        told: Told,
    }

    struct Item {
        icon: ksni::Icon,
        told: Told,
        act: Arc<dyn Fn(Wish) + Send + Sync>,
    }

    impl Tray {
        /// Shows it; `None` where there is no place for it.
        pub(in super::super) async fn show(icon: Icon, act: Arc<dyn Fn(Wish) + Send + Sync>) -> Option<Self> {
            let side = i32::try_from(icon.side).ok()?;
            let data = icon.rgba.chunks_exact(4).flat_map(|pixel| [pixel[3], pixel[0], pixel[1], pixel[2]]).collect();
            let item = Item { icon: ksni::Icon { width: side, height: side, data }, told: Told::default(), act };
            match tokio::task::spawn_blocking(move || item.spawn()).await {
                Ok(Ok(handle)) => Some(Self { handle, told: Told::default() }),
                Ok(Err(error)) => {
                    tracing::info!(%error, "the desktop has no place for a tray icon");
                    None
                }
                Err(_) => None,
            }
        }

        /// Says how things stand, if that has changed.
        pub(in super::super) async fn tell(&mut self, view: &LiveView) {
            let told = Told::of(view);
            if told == self.told {
                return;
            }
            self.told = told.clone();
            let handle = self.handle.clone();
            // it waits for the item's own thread
            let _ = tokio::task::spawn_blocking(move || handle.update(|item: &mut Item| item.told = told)).await;
        }
    }

    impl Drop for Tray {
        fn drop(&mut self) {
            let _ = self.handle.shutdown(); // it ends by itself; nobody needs to wait for it
        }
    }

    impl ksni::Tray for Item {
        fn id(&self) -> String {
            "tierline".into()
        }

        fn title(&self) -> String {
            "Tierline".into()
        }

        fn icon_pixmap(&self) -> Vec<ksni::Icon> {
            vec![self.icon.clone()]
        }

        fn tool_tip(&self) -> ksni::ToolTip {
            ksni::ToolTip { title: "Tierline".into(), description: self.told.fullest.clone(), ..ksni::ToolTip::default() }
        }

        fn activate(&mut self, _: i32, _: i32) {
            (self.act)(Wish::Open);
        }

        fn menu(&self) -> Vec<MenuItem<Self>> {
            let line = |label: &str| StandardItem { label: escaped(label), enabled: false, ..StandardItem::default() }.into();
            let entry = |label: &str, wish: Wish| {
                StandardItem { label: label.into(), activate: Box::new(move |item: &mut Self| (item.act)(wish)), ..StandardItem::default() }
                    .into()
            };
            vec![
                line(&self.told.fullest),
                line(&self.told.gateway),
                MenuItem::Separator,
                entry("Open Tierline", Wish::Open),
                entry("Quit", Wish::Quit),
            ]
        }
    }

    /// A menu takes a single underscore for an access key.
    fn escaped(label: &str) -> String {
        label.replace('_', "__")
    }
}

#[cfg(not(target_os = "linux"))]
mod none {
    use std::sync::Arc;

    use super::super::{Icon, Wish};
    use crate::journal::LiveView;

    /// Other platforms have no tray icon yet.
    pub(in super::super) struct Tray;

    impl Tray {
        pub(in super::super) async fn show(_: Icon, _: Arc<dyn Fn(Wish) + Send + Sync>) -> Option<Self> {
            None
        }

        pub(in super::super) async fn tell(&mut self, _: &LiveView) {
            let _ = super::Told::default();
        }
    }
}
