//! A picture of every panel, light and dark, drawn by software: what a person would see, to the pixel.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test --test ui` writes them anew, as small as they go.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use egui_kittest::kittest::Queryable as _;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ImageEncoder as _, RgbImage};
use tierline::domain::command::Command;
use tierline::ui::{PanelId, ThemeChoice};

use super::{MARGIN, SIZE, Window, fixture, themed};

/// A colour may be so far off in each of its three parts: another processor rounds otherwise.
const NEAR: u8 = 6;
/// So many pixels may be farther off. A mark of two by two pixels that moves is more.
const FEW: usize = 6;

impl Window {
    /// Compares the window with its reference picture.
    pub(super) fn picture(&mut self, name: &str) {
        let found = self.seen();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/snapshots/ui/{name}.png"));
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            return write(&path, &found);
        }
        let expected = image::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).to_rgb8();
        let wrong = differing(&expected, &found);
        if wrong.len() > FEW {
            let new = path.with_extension("new.png");
            write(&new, &found);
            panic!("{name}: {} pixels are others, the first at {:?}; see {}", wrong.len(), wrong[0], new.display());
        }
    }

    /// The window without what the harness leaves free around it.
    pub(super) fn seen(&mut self) -> RgbImage {
        let picture = self.harness.render().unwrap();
        let (margin, [width, height]) = (MARGIN.into(), SIZE.map(u32::from));
        let inside = image::imageops::crop_imm(&picture, margin, margin, width, height).to_image();
        image::DynamicImage::ImageRgba8(inside).to_rgb8()
    }
}

fn write(path: &PathBuf, picture: &RgbImage) {
    let file = BufWriter::new(File::create(path).unwrap());
    let encoder = PngEncoder::new_with_quality(file, CompressionType::Best, FilterType::Adaptive);
    encoder.write_image(picture, picture.width(), picture.height(), image::ExtendedColorType::Rgb8).unwrap();
}

/// Where two pictures differ. Pictures of two sizes differ everywhere.
fn differing(expected: &RgbImage, found: &RgbImage) -> Vec<(u32, u32)> {
    if expected.dimensions() != found.dimensions() {
        return found.enumerate_pixels().map(|(x, y, _)| (x, y)).collect();
    }
    let far = |(a, b): (&u8, &u8)| a.abs_diff(*b) > NEAR;
    let other = |(_, _, one): &(u32, u32, &image::Rgb<u8>), two: &image::Rgb<u8>| one.0.iter().zip(&two.0).any(far);
    let both = expected.enumerate_pixels().zip(found.pixels());
    both.filter(|(one, two)| other(one, two)).map(|((x, y, _), _)| (x, y)).collect()
}

/// Draws the same in both themes.
fn both(name: &str, make: fn(ThemeChoice) -> Window) {
    make(ThemeChoice::Dark).picture(&format!("{name}_dark"));
    make(ThemeChoice::Light).picture(&format!("{name}_light"));
}

#[test]
fn overview() {
    both("overview", |theme| themed(fixture::busy(), PanelId::Overview, theme));
}

#[test]
fn a_bucket_in_its_drawer() {
    both("bucket", |theme| {
        let mut w = themed(fixture::busy(), PanelId::Overview, theme);
        (0..3).for_each(|_| w.press(egui::Modifiers::NONE, egui::Key::ArrowDown));
        w
    });
}

#[test]
fn traffic() {
    both("traffic", |theme| {
        let mut w = themed(fixture::busy(), PanelId::Traffic, theme);
        w.click_row("notebook gemini-3.8-flash refused by Gemini: limit reached");
        let Command::Story(_, reply) = w.order() else { panic!("no story is read") };
        reply.send(Ok(fixture::story()));
        w.harness.run_ok();
        w
    });
}

#[test]
fn history() {
    both("history", |theme| {
        let mut w = themed(fixture::busy(), PanelId::History, theme);
        w.answer_series(Ok(fixture::series()));
        w
    });
}

#[test]
fn a_divided_chart() {
    both("history_divided", |theme| {
        let mut w = themed(fixture::busy(), PanelId::History, theme);
        w.answer_series(Ok(fixture::series()));
        w.choose("Divided", "By client");
        w.answer_series(Ok(fixture::divided()));
        w
    });
}

#[test]
fn accounts() {
    both("accounts", |theme| themed(fixture::busy(), PanelId::Accounts, theme));
}

#[test]
fn models() {
    both("models", |theme| {
        let mut w = themed(fixture::busy(), PanelId::Models, theme);
        let Command::Models(reply) = w.order() else { panic!("the catalogue is not read") };
        reply.send(Ok(fixture::models()));
        w.harness.run_ok();
        w
    });
}

#[test]
fn settings() {
    both("settings", |theme| {
        let mut w = themed(fixture::busy(), PanelId::Settings, theme);
        w.answer_settings(false);
        w
    });
}

#[test]
fn first_run() {
    both("first_run", |theme| themed(fixture::first_run(), PanelId::Overview, theme));
}

#[test]
fn palette() {
    both("palette", |theme| {
        let mut w = themed(fixture::busy(), PanelId::Overview, theme);
        w.press(egui::Modifiers::COMMAND, egui::Key::K);
        w
    });
}

#[test]
fn an_explained_error() {
    both("explain", |theme| {
        let mut w = themed(fixture::busy(), PanelId::Overview, theme);
        w.click("Explain an error…");
        w.write("Headers", "retry-after: 20");
        let before = w.harness.get_by_label("Cancel").rect();
        w.click("Explain");
        let Command::Explain(_, reply) = w.order() else { panic!("nothing is asked") };
        reply.send(Ok(fixture::verdict()));
        w.harness.run_ok();
        assert_eq!(w.harness.get_by_label("Cancel").rect(), before, "the answer moves nothing");
        w
    });
}

#[test]
fn a_widget_that_moves_by_one_point_is_seen_and_a_rounding_is_not() {
    let mut w = themed(fixture::busy(), PanelId::Accounts, ThemeChoice::Dark);
    let whole = w.seen();
    let rounded = image::ImageBuffer::from_fn(whole.width(), whole.height(), |x, y| {
        image::Rgb(whole.get_pixel(x, y).0.map(|part| part.saturating_add(NEAR / 2)))
    });
    assert_eq!(differing(&whole, &rounded), []);

    // the faintest text there is, and a mark
    for name in ["TOKEN stands for a local token: the window does not know one after it was shown.", "Copy the snippet"] {
        let rect = w.harness.get_by_label(name).rect().translate(-egui::Vec2::splat(MARGIN.into()));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole points inside the window")]
        let [x, y, width, height] = [rect.left(), rect.top(), rect.width(), rect.height()].map(|side| side.round() as u32);
        let moved = image::imageops::crop_imm(&whole, x, y, width, height).to_image();
        let mut other = whole.clone();
        image::imageops::replace(&mut other, &moved, i64::from(x) + 1, i64::from(y));
        assert!(differing(&whole, &other).len() > 4 * FEW, "{name} moved and nobody saw it");
    }
}
