//! Which part of the time a chart looks at: it follows the present until it is moved or zoomed, and then stands still.

use egui::{Key, Modifiers, Ui};
use jiff::{SignedDuration, Timestamp};

use super::chart::{moment, unix};

/// Where a chart looks.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sight {
    /// From when to when (Unix seconds), once it was moved or zoomed.
    held: Option<(f64, f64)>,
    /// The chart has still to be brought there.
    pub jump: bool,
}

impl Sight {
    /// No closer than this: a step is a minute.
    const CLOSEST: f64 = 120.0;
    /// No farther than this: ten years.
    const FARTHEST: f64 = 10.0 * 365.0 * 86_400.0;

    /// Whether it moves on with the time.
    #[must_use]
    pub const fn follows(&self) -> bool {
        self.held.is_none()
    }

    /// Lets it follow again.
    pub const fn follow(&mut self) {
        *self = Self { held: None, jump: false };
    }

    /// Holds it where it was moved to with the pointer.
    pub fn hold(&mut self, (from, to): (f64, f64)) {
        self.held = Some((from, to));
    }

    /// From when to when it looks.
    #[must_use]
    pub fn range(&self, now: Timestamp, length: SignedDuration) -> (Timestamp, Timestamp) {
        let held = self.held.and_then(|(from, to)| Some((moment(from)?, moment(to)?)));
        held.filter(|(from, to)| from < to).unwrap_or((now - length, now))
    }

    /// Left and Right move it by a quarter, plus and minus zoom, 0 lets it follow; while no control has the keyboard.
    pub fn keys(&mut self, ui: &Ui, now: Timestamp, length: SignedDuration) {
        if ui.memory(|m| m.focused().is_some() || m.top_modal_layer().is_some()) {
            return;
        }
        let pressed = |key| ui.input_mut(|i| i.consume_key(Modifiers::NONE, key));
        let (from, to) = self.range(now, length);
        let (from, to) = (unix(from), unix(to));
        let quarter = (to - from) / 4.0;
        let (from, to) = if pressed(Key::ArrowLeft) {
            (from - quarter, to - quarter)
        } else if pressed(Key::ArrowRight) {
            (from + quarter, to + quarter)
        } else if pressed(Key::Plus) || pressed(Key::Equals) {
            (from + quarter, to - quarter)
        } else if pressed(Key::Minus) {
            (from - 2.0 * quarter, to + 2.0 * quarter)
        } else if pressed(Key::Num0) {
            return self.follow();
        } else {
            return;
        };
        let beyond = (to - unix(now)).max(0.0); // nothing is known of the time to come
        let (from, to) = (from - beyond, to - beyond);
        if (Self::CLOSEST..=Self::FARTHEST).contains(&(to - from)) {
            (self.held, self.jump) = (Some((from, to)), true);
        }
    }
}
