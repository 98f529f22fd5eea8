//! What this program is.

use egui::{Label, Ui};

use crate::domain::view::ModelsView;

use super::super::super::slot::Slot;
use super::super::super::theme::{faint, secondary};
use super::{group, line};

pub(super) fn show(ui: &mut Ui, models: &Slot<ModelsView>) {
    let catalogue = match models {
        Slot::Done(models) => models.as_of.map_or_else(|| "empty".to_owned(), |date| format!("newest row of {date}")),
        Slot::Failed(_) => "could not be read".into(),
        Slot::Idle | Slot::Waiting(_) => "not read yet".into(),
    };
    group(ui, "About", |ui| {
        for (name, value) in [("Tierline", env!("CARGO_PKG_VERSION")), ("Catalogue", catalogue.as_str()), ("Licence", "MIT or Apache-2.0")]
        {
            line(ui, name, "", |ui| {
                let text = secondary(ui, value);
                ui.label(text);
            });
        }
        for text in
            ["Keys stay in the keyring of the operating system. Requests go only to the providers of your accounts.", "No telemetry, ever."]
        {
            let text = faint(ui, text);
            ui.add(Label::new(text).wrap());
        }
    });
}
