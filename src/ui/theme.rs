//! The visual language: type, space, colour roles and states, read from `assets/theme.toml`.
//!
//! Quiet, dense, exact. A person looks at this window for a second, between two other things, and wants one number.
//!
//! **Type.** `title` names a panel, quietly: the rail says it too. `lead` is the one sentence above a panel. `section` heads a group.
//! `body` is everything else, `small` heads columns and carries notes, `mono` is for what can be pasted.
//! There is no bold: weight comes from the three text colours (`text` for the number that matters, `text_secondary`
//! for what surrounds it, `text_faint` for units and labels that are read once).
//!
//! **Space.** Five steps. Things that belong together are `tight` or `close`, groups are `near`, panels keep `apart`
//! from their edges. Lines are hairs and only where space does not separate.
//!
//! **Surfaces.** `canvas` lies behind, `panel` is the rail and the status bar, `raised` is what can be pressed or
//! typed in, `hover` and `selected` are states of a row or a button, `decides` lies under the row of the limit that
//! decides. Only dialogs and popups cast a shadow.
//!
//! **Meters.** `used` is taken and settled, `held` is reserved by requests in flight (lighter, and hatched), `guard`
//! is what the limiter keeps back, `foreign` is other machines' use. `binding` marks the limit that decides, always
//! together with the word: no state is told by colour alone.
//!
//! **Charts.** One series is `used`, with its highest minutes in `held` and the limit in `binding`. A chart that is divided by
//! client or model takes the six `parts` in order, most first; what is left is `guard`. Names stand beside, never only colours.
//!
//! **States.** `ok`, `warning`, `error` colour a mark and its word, never a whole surface. Waiting is `binding`,
//! running is `accent`. What is unknown is written as "unknown" or a dash in `text_faint`, never as zero.
//! What is nothing, or not yet, is left empty.
//! Disabled controls keep their words and explain themselves on hover.
//!
//! **Motion.** None, except egui's own short hover fades. Numbers keep their place: columns have fixed widths.

use std::sync::LazyLock;

use egui::{Color32, CornerRadius, FontFamily, FontId, Margin, RichText, Shadow, Stroke, Style, TextStyle, Ui, Vec2, Visuals};
use serde::{Deserialize, Deserializer};

/// Everything in `assets/theme.toml`.
#[derive(Debug, Deserialize)]
pub struct Theme {
    /// The type scale.
    #[serde(rename = "type")]
    pub scale: TypeScale,
    /// The steps of space.
    pub space: Space,
    /// Sizes of things.
    pub size: Size,
    dark: Palette,
    light: Palette,
}

/// Font sizes in points.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the module's text and the comments in theme.toml say what each is for")]
pub struct TypeScale {
    pub title: f32,
    pub lead: f32,
    pub brand: f32,
    pub section: f32,
    pub body: f32,
    pub small: f32,
    pub mono: f32,
}

/// Distances in points.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the module's text says what each is for")]
pub struct Space {
    pub hair: f32,
    pub tight: f32,
    pub close: f32,
    pub near: f32,
    pub apart: f32,
}

/// Sizes in points.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the comments in theme.toml say what each is for")]
pub struct Size {
    pub rail: f32,
    pub rail_narrow: f32,
    pub status: f32,
    pub header: f32,
    pub row: f32,
    pub row_compact: f32,
    pub control: f32,
    pub control_small: f32,
    pub bar: f32,
    pub icon: f32,
    pub radius: f32,
    pub dialog: f32,
    pub side: f32,
    pub side_wide: f32,
    pub table: f32,
    pub stack_below: f32,
    pub narrow_below: f32,
}

/// The colour of every role.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the module's text says what each role means")]
pub struct Palette {
    pub canvas: Color,
    pub panel: Color,
    pub raised: Color,
    pub hover: Color,
    pub selected: Color,
    pub decides: Color,
    pub line: Color,
    pub line_strong: Color,
    pub text: Color,
    pub text_secondary: Color,
    pub text_faint: Color,
    pub accent: Color,
    pub on_accent: Color,
    pub used: Color,
    pub held: Color,
    pub guard: Color,
    pub foreign: Color,
    pub binding: Color,
    pub ok: Color,
    pub warning: Color,
    pub error: Color,
    pub parts: [Color; 6],
    pub shadow: Color,
}

/// A colour as the file writes it: `#rrggbb` or `#rrggbbaa`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color(Color32);

impl<'de> Deserialize<'de> for Color {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Color32::from_hex(&text).map(Self).map_err(|_| serde::de::Error::custom(format!("the colour {text:?} is not like #rrggbb")))
    }
}

impl From<Color> for Color32 {
    fn from(color: Color) -> Self {
        color.0
    }
}

static THEME: LazyLock<Theme> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the file is compiled in, and a test reads it")]
    toml::from_str(include_str!("../../assets/theme.toml")).expect("assets/theme.toml is whole")
});

/// The theme.
#[must_use]
pub fn theme() -> &'static Theme {
    &THEME
}

/// The colours in use where `ui` draws.
#[must_use]
pub fn colors(ui: &Ui) -> &'static Palette {
    THEME.palette(ui.visuals().dark_mode)
}

impl Theme {
    /// The colours of one of the two modes.
    #[must_use]
    pub const fn palette(&self, dark: bool) -> &Palette {
        if dark { &self.dark } else { &self.light }
    }

    /// Teaches egui the theme, light and dark.
    pub fn install(&self, ctx: &egui::Context) {
        ctx.set_style_of(egui::Theme::Dark, self.style(true));
        ctx.set_style_of(egui::Theme::Light, self.style(false));
    }

    fn style(&self, dark: bool) -> Style {
        let (scale, space, size) = (&self.scale, &self.space, &self.size);
        let mut style = Style { visuals: self.visuals(dark), animation_time: 0.08, ..Style::default() };
        style.text_styles = [
            (TextStyle::Heading, FontId::new(scale.title, FontFamily::Proportional)),
            (TextStyle::Body, FontId::new(scale.body, FontFamily::Proportional)),
            (TextStyle::Button, FontId::new(scale.body, FontFamily::Proportional)),
            (TextStyle::Small, FontId::new(scale.small, FontFamily::Proportional)),
            (TextStyle::Monospace, FontId::new(scale.mono, FontFamily::Monospace)),
        ]
        .into();
        style.spacing.item_spacing = Vec2::new(space.close, space.tight);
        style.spacing.button_padding = Vec2::new(10.0, 3.0);
        style.spacing.interact_size = Vec2::new(size.control, size.control);
        style.spacing.icon_width = size.icon;
        style.spacing.icon_width_inner = size.icon - 6.0;
        style.spacing.combo_width = 0.0;
        style.spacing.indent = size.icon + space.close;
        style.visuals.indent_has_left_vline = false;
        style.visuals.slider_trailing_fill = true;
        style.spacing.window_margin = Margin::same(16);
        style.spacing.menu_margin = Margin::same(6);
        style.spacing.tooltip_width = 420.0;
        style.spacing.scroll = egui::style::ScrollStyle::thin();
        style.interaction.selectable_labels = false;
        style.interaction.tooltip_delay = 0.35;
        style.visuals.text_cursor.blink = false; // a blinking cursor would draw frames while nothing happens
        style
    }

    fn visuals(&self, dark: bool) -> Visuals {
        let palette = self.palette(dark);
        let role = |color: Color| -> Color32 { color.0 };
        let hair = |color: Color| Stroke::new(1.0, color.0);
        let radius = corner(self.size.radius);
        let mut v = if dark { Visuals::dark() } else { Visuals::light() };

        for widget in
            [&mut v.widgets.noninteractive, &mut v.widgets.inactive, &mut v.widgets.hovered, &mut v.widgets.active, &mut v.widgets.open]
        {
            widget.corner_radius = radius;
            widget.expansion = 0.0;
            widget.bg_fill = role(palette.raised);
            widget.weak_bg_fill = role(palette.raised);
            widget.bg_stroke = hair(palette.line_strong);
            widget.fg_stroke = hair(palette.text);
        }
        v.widgets.noninteractive.bg_stroke = hair(palette.line);
        v.widgets.inactive.bg_fill = role(palette.hover); // rails of sliders, boxes of checks
        for widget in [&mut v.widgets.hovered, &mut v.widgets.open] {
            widget.bg_fill = role(palette.hover);
            widget.weak_bg_fill = role(palette.hover);
        }
        v.widgets.active.bg_fill = role(palette.hover);
        v.widgets.active.weak_bg_fill = role(palette.hover);
        v.widgets.active.bg_stroke = Stroke::new(1.5, palette.accent.0); // focus must be seen

        v.selection.bg_fill = role(palette.selected);
        v.selection.stroke = hair(palette.accent);
        v.text_cursor.stroke = Stroke::new(1.5, palette.accent.0);
        v.weak_text_color = Some(role(palette.text_faint));
        v.hyperlink_color = role(palette.accent);
        v.faint_bg_color = role(palette.panel);
        v.extreme_bg_color = role(palette.canvas);
        v.text_edit_bg_color = Some(role(if dark { palette.canvas } else { palette.panel }));
        v.code_bg_color = role(palette.raised);
        v.warn_fg_color = role(palette.warning);
        v.error_fg_color = role(palette.error);
        v.panel_fill = role(palette.canvas);
        v.window_fill = role(palette.panel);
        v.window_stroke = hair(palette.line_strong);
        v.window_corner_radius = corner(self.size.radius * 2.0);
        v.menu_corner_radius = radius;
        let shadow = Shadow { offset: [0, 6], blur: 24, spread: 0, color: role(palette.shadow) };
        v.window_shadow = shadow;
        v.popup_shadow = Shadow { blur: 12, ..shadow };
        v
    }
}

/// Rounded by a number of points.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "radii are a few points")]
pub fn corner(points: f32) -> CornerRadius {
    CornerRadius::same(points as u8)
}

/// The name of a panel.
#[must_use]
pub fn title(text: impl Into<String>) -> RichText {
    RichText::new(text).heading()
}

/// Whether the window is so narrow that only what acts has room.
#[must_use]
pub fn is_narrow(ui: &Ui) -> bool {
    ui.ctx().content_rect().width() < THEME.size.narrow_below
}

/// The sentence that says how things stand.
#[must_use]
pub fn lead(text: impl Into<String>) -> RichText {
    RichText::new(text).size(THEME.scale.lead)
}

/// The head of a group.
#[must_use]
pub fn section(text: impl Into<String>) -> RichText {
    RichText::new(text).size(THEME.scale.section)
}

/// What surrounds the number that matters.
#[must_use]
pub fn secondary(ui: &Ui, text: impl Into<String>) -> RichText {
    RichText::new(text).color(colors(ui).text_secondary)
}

/// Units and labels that are read once.
#[must_use]
pub fn faint(ui: &Ui, text: impl Into<String>) -> RichText {
    RichText::new(text).color(colors(ui).text_faint)
}

/// Column heads and notes.
#[must_use]
pub fn note(ui: &Ui, text: impl Into<String>) -> RichText {
    faint(ui, text).small()
}

/// What can be pasted somewhere.
#[must_use]
pub fn mono(text: impl Into<String>) -> RichText {
    RichText::new(text).monospace()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contrast of two colours as WCAG 2 defines it.
    fn contrast(a: Color, b: Color) -> f32 {
        let light = |c: Color| {
            let [r, g, b, _] = c.0.to_array().map(|v| {
                let v = f32::from(v) / 255.0;
                if v <= 0.03928 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
            });
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (light(a), light(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_and_marks_can_be_read_on_every_surface() {
        for dark in [true, false] {
            let p = theme().palette(dark);
            for (surface, on) in [
                ("canvas", p.canvas),
                ("panel", p.panel),
                ("raised", p.raised),
                ("selected", p.selected),
                ("hover", p.hover),
                ("decides", p.decides),
            ] {
                for (name, color, least) in [
                    ("text", p.text, 10.0),
                    ("text_secondary", p.text_secondary, 5.5),
                    ("text_faint", p.text_faint, 4.5),
                    ("accent", p.accent, 4.5),
                    ("binding", p.binding, 4.5),
                    ("ok", p.ok, 4.5),
                    ("warning", p.warning, 4.5),
                    ("error", p.error, 4.5),
                    ("foreign", p.foreign, 4.5),
                    ("used", p.used, 3.0),
                ] {
                    let found = contrast(color, on);
                    assert!(found >= least, "{name} on {surface}, dark {dark}: {found:.2} is less than {least}");
                }
            }
            for (at, part) in p.parts.into_iter().enumerate() {
                assert!(contrast(part, p.canvas) >= 3.0, "part {at}, dark {dark}: {:.2}", contrast(part, p.canvas));
            }
            assert!(contrast(p.on_accent, p.accent) >= 4.5, "on_accent, dark {dark}");
        }
    }
}
