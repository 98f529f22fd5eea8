//! The input file: its records in order, one record by its place, and what tells whether it is still the same file.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::Problem;

/// The longest row. The gateway takes no larger body.
const MAX_ROW: u64 = 64 * 1024 * 1024;

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// The byte at which it begins.
    pub offset: u64,
    /// How many bytes it has.
    pub length: u64,
}

/// What a file was when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Print {
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was changed last, in Unix milliseconds; `None` where the system does not say.
    pub modified_millis: Option<i64>,
    /// SHA-256 of its contents, in hex.
    pub sha256: String,
}

/// Hears of a record, or why it cannot be taken in; an error ends the reading.
pub type Each<'a> = dyn FnMut(Place, Result<&[u8], String>) -> Result<(), Problem> + 'a;

/// An input file that is there.
#[derive(Debug)]
pub struct InputFile {
    path: PathBuf,
    file: File,
}

impl InputFile {
    /// Opens it.
    pub fn open(path: &Path) -> Result<Self, Problem> {
        // one file has one name, from wherever it is named: by it an interrupted batch is found again
        let path = fs::canonicalize(path).map_err(|error| unreadable(path, &error))?;
        let file = File::open(&path).map_err(|error| unreadable(&path, &error))?;
        if file.metadata().is_ok_and(|found| found.is_dir()) {
            return Err(Problem::new(format!("the input {} is a folder", path.display())).hint("name a file"));
        }
        Ok(Self { path, file })
    }

    /// Its whole path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether its name says that it is CSV.
    #[must_use]
    pub fn is_csv(&self) -> bool {
        self.path.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv"))
    }

    /// The names of a CSV file's columns.
    pub fn columns(&self) -> Result<Arc<Vec<String>>, Problem> {
        let file = File::open(&self.path).map_err(|error| unreadable(&self.path, &error))?;
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
        let header = reader
            .headers()
            .map_err(|error| Problem::new(format!("the header of {} could not be read", self.path.display())).because(error))?;
        Ok(Arc::new(header.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect()))
    }

    /// Gives every record to `each`, in order, and tells what the file was. Blank lines are no records.
    ///
    /// # Errors
    /// The file cannot be read, or `each` does not go on.
    pub fn records(&self, each: &mut Each<'_>) -> Result<Print, Problem> {
        let file = File::open(&self.path).map_err(|error| unreadable(&self.path, &error))?;
        let modified_millis = modified(&file);
        let mut hashed = Hashed { file, hash: Sha256::new(), bytes: 0 };
        if self.is_csv() {
            self.csv_records(&mut hashed, each)?;
        } else {
            self.json_lines(&mut hashed, each)?;
        }
        Ok(Print { bytes: hashed.bytes, modified_millis, sha256: hex(&hashed.hash.finalize()) })
    }

    fn json_lines(&self, file: &mut Hashed, each: &mut Each<'_>) -> Result<(), Problem> {
        let failed = |error: io::Error| unreadable(&self.path, &error);
        let mut reader = BufReader::with_capacity(256 * 1024, file);
        let (mut line, mut offset) = (0, 0);
        let mut text = Vec::new();
        loop {
            text.clear();
            let read = (&mut reader).take(MAX_ROW).read_until(b'\n', &mut text).map_err(failed)? as u64;
            if read == 0 {
                return Ok(());
            }
            line += 1;
            let mut length = read;
            let whole = text.last() == Some(&b'\n') || read < MAX_ROW;
            if !whole {
                length += reader.skip_until(b'\n').map_err(failed)? as u64;
            }
            let start = if offset == 0 && text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
            let record = text[start..].trim_ascii_end();
            let place = Place { line, offset: offset + start as u64, length: record.len() as u64 };
            if !whole {
                each(place, Err(format!("longer than {} MiB", MAX_ROW >> 20)))?;
            } else if !record.is_empty() {
                each(place, Ok(record))?;
            }
            offset += length;
        }
    }

    fn csv_records(&self, file: &mut Hashed, each: &mut Each<'_>) -> Result<(), Problem> {
        let failed = |error: csv::Error| Problem::new(format!("{} could not be read", self.path.display())).because(error);
        let mut reader = csv::ReaderBuilder::new().flexible(true).buffer_capacity(256 * 1024).from_reader(file);
        reader.byte_headers().map_err(failed)?;
        let mut record = csv::ByteRecord::new();
        let mut before = reader.position().clone();
        let mut breaks = Breaks::open(&self.path).map_err(|error| unreadable(&self.path, &error))?;
        while reader.read_byte_record(&mut record).map_err(failed)? {
            let after = reader.position().clone();
            // the reader counts the second half of a line's end, and blank lines, as the beginning of the next record
            let start = record.position().unwrap_or(&before).clone();
            let (lines, bytes) = breaks.at(start.byte()).map_err(|error| unreadable(&self.path, &error))?;
            let offset = start.byte() + bytes;
            let place = Place { line: start.line() + lines, offset, length: after.byte().saturating_sub(offset) };
            if place.length > MAX_ROW {
                each(place, Err(format!("longer than {} MiB", MAX_ROW >> 20)))?;
            } else {
                // as text again, so that reading in order and reading by place are one path
                let mut line = csv::WriterBuilder::new().from_writer(Vec::new());
                let text = line.write_byte_record(&record).map_err(|error| error.to_string());
                let text = text.and_then(|()| line.into_inner().map_err(|error| error.to_string()));
                match text {
                    Ok(text) => each(place, Ok(&text))?,
                    Err(why) => each(place, Err(why))?,
                }
            }
            before = after;
        }
        Ok(())
    }

    /// The record at a place.
    pub fn record(&mut self, place: Place) -> Result<Vec<u8>, Problem> {
        let mut text = vec![0; usize::try_from(place.length.min(MAX_ROW)).unwrap_or(0)];
        let read = self.file.seek(SeekFrom::Start(place.offset)).and_then(|_| self.file.read_exact(&mut text));
        read.map_err(|error| unreadable(&self.path, &error))?;
        Ok(text)
    }

    /// Whether it is not what it was: quickly if its size and time are the same, else by its contents.
    pub fn has_changed(&self, was: &Print) -> Result<bool, Problem> {
        let failed = |error: io::Error| unreadable(&self.path, &error);
        let bytes = self.file.metadata().map_err(failed)?.len();
        if bytes != was.bytes {
            return Ok(true);
        }
        if was.modified_millis.is_some() && modified(&self.file) == was.modified_millis {
            return Ok(false);
        }
        let mut hashed = Hashed { file: File::open(&self.path).map_err(failed)?, hash: Sha256::new(), bytes: 0 };
        io::copy(&mut hashed, &mut io::sink()).map_err(failed)?;
        Ok(hex(&hashed.hash.finalize()) != was.sha256)
    }
}

/// Follows a reader of the same file, to see where records really begin.
struct Breaks {
    reader: BufReader<File>,
    at: u64,
}

impl Breaks {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { reader: BufReader::with_capacity(64 * 1024, File::open(path)?), at: 0 })
    }

    /// How many lines end from here up to the next byte that ends none, and how many bytes that takes. `offset` never goes back.
    fn at(&mut self, offset: u64) -> io::Result<(u64, u64)> {
        self.reader.seek_relative(i64::try_from(offset.saturating_sub(self.at)).unwrap_or(0))?;
        self.at = offset.max(self.at);
        let (mut lines, mut bytes) = (0, 0);
        loop {
            let buffer = self.reader.fill_buf()?;
            let breaks = buffer.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            lines += buffer[..breaks].iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
            let goes_on = breaks > 0 && breaks == buffer.len();
            self.reader.consume(breaks);
            self.at += breaks as u64;
            bytes += breaks as u64;
            if !goes_on {
                return Ok((lines, bytes));
            }
        }
    }
}

/// Hashes what is read through it.
struct Hashed {
    file: File,
    hash: Sha256,
    bytes: u64,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hash.update(&buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}

fn modified(file: &File) -> Option<i64> {
    let at = file.metadata().ok()?.modified().ok()?;
    jiff::Timestamp::try_from(at).ok().map(jiff::Timestamp::as_millisecond)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    Problem::new(format!("the input {} could not be read", path.display())).because(error)
}
