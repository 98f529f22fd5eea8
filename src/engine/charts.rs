//! A chart for the window: the store's points with the ends of models in use, and both as a file.

use std::collections::BTreeSet;
use std::io::Write;

use crate::catalog::Catalog;
use crate::domain::Problem;
use crate::domain::command::{ChartOrder, Picture};
use crate::domain::query::{Mark, MarkKind, Series, SeriesQuery};
use crate::store::{Reader, export};

/// The points of a chart, with every mark.
pub(super) fn series(reader: &Reader, query: &SeriesQuery) -> Result<Series, Problem> {
    let mut series = reader.series(query)?;
    series.marks.extend(retirements(reader, query)?);
    series.marks.sort_by(|a, b| a.at.total_cmp(&b.at));
    Ok(series)
}

/// Models that were in use since the chart begins, and that ended in it.
fn retirements(reader: &Reader, query: &SeriesQuery) -> Result<Vec<Mark>, Problem> {
    let catalog = Catalog::bundled();
    let mut seen = BTreeSet::new();
    let mut marks = Vec::new();
    for used in reader.models_used(query.from)? {
        let of_account = query.account.is_none_or(|account| account == used.account);
        let of_class = query.class.as_ref().is_none_or(|class| catalog.class_of(used.provider, &used.model) == *class);
        if !of_account || !of_class || !seen.insert((used.provider, used.model.clone())) {
            continue;
        }
        let Some(end) = catalog.retirement(used.provider, &used.model, query.to).and_then(|end| end.shutdown) else { continue };
        let at = end.start();
        if (query.from..query.to).contains(&at) {
            marks.push(Mark { at: at.as_second() as f64, kind: MarkKind::Retirement, text: format!("{} ended", used.model) });
        }
    }
    Ok(marks)
}

/// Writes a chart into its file and returns the number of its steps.
pub(super) fn write(reader: &Reader, order: &ChartOrder) -> Result<u64, Problem> {
    let series = series(reader, &order.query)?;
    export::whole_file(&order.path, |out| match &order.picture {
        Some(picture) => png(picture, out).map(|()| series.points.len() as u64),
        None => export::chart::write(&series, out),
    })
}

fn png(picture: &Picture, out: &mut dyn Write) -> Result<(), Problem> {
    let mut encoder = png::Encoder::new(out, picture.width, picture.height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut file| {
        file.write_image_data(&picture.rgba)?;
        file.finish()
    });
    written.map_err(|error| Problem::new("cannot write the picture").because(error))
}
