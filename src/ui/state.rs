//! What the window remembers between two starts. The caller stores it; nothing here reads a file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::panels::history::Subject;
use super::theme::theme;
use super::widgets::sort::Order;

/// The panels, in the order of the rail and of the number keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PanelId {
    /// How things stand.
    #[default]
    Overview,
    /// Requests, live and recent.
    Traffic,
    /// Use over time against the limits.
    History,
    /// Keys, limits, local tokens.
    Accounts,
    /// The catalogue.
    Models,
    /// Long work in the background.
    Batch,
    /// What a job would take.
    Planner,
    /// Look and about.
    Settings,
}

impl PanelId {
    /// Every panel.
    pub const ALL: [Self; 8] =
        [Self::Overview, Self::Traffic, Self::History, Self::Accounts, Self::Models, Self::Batch, Self::Planner, Self::Settings];

    /// Its name on screen.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Traffic => "Traffic",
            Self::History => "History",
            Self::Accounts => "Accounts",
            Self::Models => "Models",
            Self::Batch => "Batch",
            Self::Planner => "Planner",
            Self::Settings => "Settings",
        }
    }
}

/// Dark, light, or as the desktop has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThemeChoice {
    /// Always dark.
    Dark,
    /// Always light.
    Light,
    /// As the desktop.
    #[default]
    System,
}

/// How tall a line of a table is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Density {
    /// The default.
    #[default]
    Comfortable,
    /// More lines on the screen.
    Compact,
}

impl Density {
    /// The height of a line of a table, in points.
    #[must_use]
    pub fn row(self) -> f32 {
        match self {
            Self::Comfortable => theme().size.row,
            Self::Compact => theme().size.row_compact,
        }
    }
}

/// Everything that is remembered. Unknown or missing fields fall back to the defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UiState {
    /// The panel in front.
    pub panel: PanelId,
    /// The colours.
    pub theme: ThemeChoice,
    /// The scale in percent, 75 to 200.
    pub scale_percent: u16,
    /// The height of table lines.
    pub density: Density,
    /// The words by which the traffic is filtered.
    pub traffic_filter: String,
    /// By which column a table is sorted, once the user has chosen it, under the name of its panel.
    pub orders: BTreeMap<PanelId, Order>,
    /// What the chart shows, once the user has chosen it.
    pub chart: Option<Subject>,
    /// The window, once it was another than at first.
    pub window: Option<WindowSize>,
}

/// How large the window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowSize {
    /// In points.
    pub width: u16,
    /// In points.
    pub height: u16,
    /// It fills the screen; then the size is what it goes back to.
    pub maximized: bool,
}

impl Default for UiState {
    fn default() -> Self {
        Self {
            panel: PanelId::default(),
            theme: ThemeChoice::default(),
            scale_percent: 100,
            density: Density::default(),
            traffic_filter: String::new(),
            orders: BTreeMap::new(),
            chart: None,
            window: None,
        }
    }
}

impl UiState {
    /// Under which name the state is stored.
    pub const SETTING: &'static str = "ui";

    /// What the scale may be.
    pub const SCALES: std::ops::RangeInclusive<u16> = 75..=200;

    /// Reads a stored state; one that cannot be read is the default.
    #[must_use]
    pub fn from_json(text: &str) -> Self {
        let mut state: Self = serde_json::from_str(text).unwrap_or_default();
        state.scale_percent = state.scale_percent.clamp(*Self::SCALES.start(), *Self::SCALES.end());
        state
    }

    /// The state as it is stored.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::panels::history::Range;
    use super::*;
    use crate::domain::query::{Measure, Split};

    #[test]
    fn a_stored_state_comes_back_and_a_broken_one_is_the_default() {
        let chart = Subject { range: Range::Week, measure: Measure::Tokens, account: None, class: None, split: Some(Split::Model) };
        let state = UiState {
            panel: PanelId::History,
            theme: ThemeChoice::Light,
            scale_percent: 150,
            density: Density::Compact,
            traffic_filter: "refused".into(),
            orders: [(PanelId::Models, Order { by: "Ends".into(), falling: true })].into(),
            chart: Some(chart),
            window: Some(WindowSize { width: 900, height: 600, maximized: true }),
        };
        assert_eq!(UiState::from_json(&state.to_json()), state);
        for (text, scale) in
            [("", 100), ("{}", 100), ("[1]", 100), (r#"{"scale_percent":1000}"#, 200), (r#"{"scale_percent":9,"x":1}"#, 75)]
        {
            assert_eq!(UiState::from_json(text), UiState { scale_percent: scale, ..UiState::default() }, "{text:?}");
        }
    }
}
