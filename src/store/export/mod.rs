//! Exports: one table, one format, streamed row by row.
//!
//! **CSV** is RFC 4180 (CRLF, quotes only where needed) with one header line. Times are RFC 3339 in UTC with milliseconds. What is
//! unknown is an empty cell. A text that a spreadsheet would take for a formula, because it starts with `=`, `+`, `-`, `@`, a tab
//! or a line end, gets an apostrophe in front; so does a text that starts with an apostrophe, so that the first apostrophe of a
//! text is always ours and can be taken away again. Numbers stay numbers.
//!
//! **JSON** is one array of objects with the same names; what is unknown is `null`, and texts are as they are.
//!
//! The columns are a contract, listed in [`columns`]: new ones are added at the end.

pub mod chart;
pub mod columns;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use rusqlite::params;
use rusqlite::types::ValueRef;

use super::failure::failed;
use super::reader::Reader;
use super::row::{millis, time};
use crate::domain::Problem;
use crate::domain::query::{ExportFormat, ExportOrder};
use columns::{Column, Kind, Table};

/// Writes an export to `out`, whatever path the order names, and returns the number of rows.
///
/// # Errors
/// The database cannot be read, or `out` cannot be written. What was written until then is not a whole export.
pub fn write(reader: &Reader, order: &ExportOrder, out: &mut dyn Write) -> Result<u64, Problem> {
    let table = Table::of(order.what);
    let mut sheet = Sheet::begin(order.format, table.columns, out).map_err(unwritable)?;
    let selected = table.columns.iter().map(|column| column.sql).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "SELECT {selected} FROM {} WHERE {time} >= ?1 AND {time} < ?2 ORDER BY {time}, {}",
        table.from,
        table.then_by,
        time = table.time
    );
    let mut found = reader.db.prepare(&sql).map_err(failed("read the history"))?;
    let range = params![order.from.map_or(i64::MIN, millis), order.to.map_or(i64::MAX, millis)];
    let mut rows = found.query(range).map_err(failed("read the history"))?;
    let mut count = 0;
    while let Some(row) = rows.next().map_err(failed("read the history"))? {
        sheet.begin_row().map_err(unwritable)?;
        for (at, column) in table.columns.iter().enumerate() {
            let value = row.get_ref(at).map_err(failed("read the history"))?;
            sheet.cell(column, Cell::of(column.kind, value)).map_err(unwritable)?;
        }
        sheet.end_row().map_err(unwritable)?;
        count += 1;
    }
    sheet.finish().map_err(unwritable)?;
    Ok(count)
}

/// Writes an export to the file that the order names, and returns the number of rows.
pub fn write_file(reader: &Reader, order: &ExportOrder) -> Result<u64, Problem> {
    whole_file(&order.path, |out| write(reader, order, out))
}

/// Writes a file. It is there as a whole or not at all: the bytes go into a file beside it, which takes its name at the end.
pub fn whole_file<T>(target: &Path, write: impl FnOnce(&mut dyn Write) -> Result<T, Problem>) -> Result<T, Problem> {
    let shown = target.display();
    if target.is_dir() {
        return Err(Problem::new(format!("cannot write the export to {shown}, it is a folder")).hint("name a file in it"));
    }
    let part = part_beside(target).ok_or_else(|| Problem::new(format!("{shown:?} is not a file name")))?;
    let cannot =
        |e: io::Error| Problem::new(format!("cannot write the export to {shown}")).because(e).hint("check the folder and its free space");
    let written = File::create(&part).map_err(cannot).and_then(|file| {
        let mut out = BufWriter::new(file);
        let done = write(&mut out)?;
        out.into_inner().map_err(|e| cannot(e.into_error()))?.sync_all().map_err(cannot)?;
        fs::rename(&part, target).map_err(cannot)?;
        Ok(done)
    });
    if written.is_err() {
        // the first error is the one to tell
        let _ = fs::remove_file(&part);
    }
    written
}

fn part_beside(target: &Path) -> Option<PathBuf> {
    let name = target.file_name()?.to_string_lossy();
    Some(target.with_file_name(format!(".{name}.{}.part", std::process::id())))
}

fn unwritable(error: io::Error) -> Problem {
    Problem::new("cannot write the export").because(error)
}

/// A value as it is written in both formats.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cell<'a> {
    Unknown,
    Number(i64),
    Time(jiff::Timestamp),
    Text(&'a str),
}

impl<'a> Cell<'a> {
    fn of(kind: Kind, value: ValueRef<'a>) -> Self {
        match (kind, value) {
            (Kind::Time, ValueRef::Integer(at)) => Self::Time(time(at)),
            (Kind::Number, ValueRef::Integer(number)) => Self::Number(number),
            // only a number that does not fit comes back as this
            (Kind::Number | Kind::Time, ValueRef::Real(_)) => Self::Number(i64::MAX),
            (_, ValueRef::Text(text)) => std::str::from_utf8(text).map_or(Self::Unknown, Self::Text),
            _ => Self::Unknown,
        }
    }
}

/// A file that is being written, in one of the formats.
enum Sheet<'a> {
    Csv(Box<csv::Writer<&'a mut dyn Write>>),
    Json { out: &'a mut dyn Write, rows: u64, cells: usize },
}

impl<'a> Sheet<'a> {
    fn begin(format: ExportFormat, columns: &[Column], out: &'a mut dyn Write) -> io::Result<Self> {
        match format {
            ExportFormat::Csv => {
                let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
                csv.write_record(columns.iter().map(|column| column.name))?;
                Ok(Self::Csv(Box::new(csv)))
            }
            ExportFormat::Json => {
                out.write_all(b"[")?;
                Ok(Self::Json { out, rows: 0, cells: 0 })
            }
        }
    }

    fn begin_row(&mut self) -> io::Result<()> {
        match self {
            Self::Csv(_) => Ok(()),
            Self::Json { out, rows, cells } => {
                out.write_all(if *rows == 0 { b"\n{" } else { b",\n{" })?;
                (*rows, *cells) = (*rows + 1, 0);
                Ok(())
            }
        }
    }

    fn cell(&mut self, column: &Column, cell: Cell<'_>) -> io::Result<()> {
        match self {
            Self::Csv(csv) => match cell {
                Cell::Unknown => csv.write_field(""),
                Cell::Number(number) => csv.write_field(number.to_string()),
                Cell::Time(at) => csv.write_field(format!("{at:.3}")),
                Cell::Text(text) if would_mislead(text) => csv.write_field(format!("'{text}")),
                Cell::Text(text) => csv.write_field(text),
            }
            .map_err(io::Error::from),
            Self::Json { out, cells, .. } => {
                write!(out, "{}\"{}\":", if *cells == 0 { "" } else { "," }, column.name)?;
                *cells += 1;
                match cell {
                    Cell::Unknown => out.write_all(b"null"),
                    Cell::Number(number) => write!(out, "{number}"),
                    Cell::Time(at) => write!(out, "\"{at:.3}\""),
                    Cell::Text(text) => serde_json::to_writer(out, text).map_err(io::Error::from),
                }
            }
        }
    }

    fn end_row(&mut self) -> io::Result<()> {
        match self {
            Self::Csv(csv) => csv.write_record(None::<&[u8]>).map_err(io::Error::from),
            Self::Json { out, .. } => out.write_all(b"}"),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Csv(mut csv) => csv.flush(),
            Self::Json { out, .. } => {
                out.write_all(b"\n]\n")?;
                out.flush()
            }
        }
    }
}

/// Whether a spreadsheet would run this text, or whether its first apostrophe could be taken for ours.
fn would_mislead(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\''])
}
