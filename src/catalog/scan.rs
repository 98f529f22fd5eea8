//! Finds retired and retiring model names in a source tree. The only file of the catalogue that touches a disk, and it only reads.
//!
//! It walks as git sees the tree: ignored files are left out, hidden ones are not (model names live in `.env` and
//! `.github`), `.git` is. A name counts where it stands as a whole word.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::path::Path;

use ignore::WalkBuilder;
use jiff::Timestamp;

use super::{Catalog, ModelState, Retirement};
use crate::domain::{Dialect, ModelId, Problem};

/// Files larger than this are not source.
const MAX_BYTES: u64 = 4 << 20;

/// A retired or retiring name in a file.
#[derive(Debug)]
pub struct Hit<'a> {
    /// The file.
    pub path: &'a Path,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// The name as it stands there.
    pub name: &'a str,
    /// What is known about its end.
    pub retirement: &'a Retirement,
}

/// What a scan went through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files that were searched.
    pub files: u64,
    /// Files that were left out because they are binary, too large or unreadable.
    pub skipped: u64,
    /// Places that name a retired model.
    pub retired: u64,
    /// Places that name a model whose end is to come.
    pub retiring: u64,
}

impl Catalog {
    /// Goes through every file under `dir` in the order of their names and calls `visit` for every hit.
    ///
    /// # Errors
    /// `dir` itself cannot be read.
    pub fn scan(&self, dir: &Path, now: Timestamp, visit: &mut dyn FnMut(Hit<'_>)) -> Result<Summary, Problem> {
        self.scan_while(dir, now, &mut |_| true, visit)
    }

    /// The same, and after every file asks `go_on`, which is told the summary so far.
    ///
    /// # Errors
    /// `dir` itself cannot be read.
    pub fn scan_while(
        &self,
        dir: &Path,
        now: Timestamp,
        go_on: &mut dyn FnMut(&Summary) -> bool,
        visit: &mut dyn FnMut(Hit<'_>),
    ) -> Result<Summary, Problem> {
        std::fs::metadata(dir).map_err(|e| Problem::new(format!("{} cannot be scanned", dir.display())).because(e))?;
        let mut names = Names::new(self, now);
        let mut summary = Summary::default();
        let mut walk = WalkBuilder::new(dir);
        // .gitignore counts in an exported tree too; sorted, so that two runs print the same
        walk.hidden(false).require_git(false).sort_by_file_name(Ord::cmp).filter_entry(|entry| entry.file_name() != ".git");
        for entry in walk.build() {
            let Ok(entry) = entry else {
                summary.skipped += 1;
                continue;
            };
            if !entry.file_type().is_some_and(|kind| kind.is_file()) {
                continue;
            }
            match read_text(entry.path()) {
                Ok(text) => {
                    summary.files += 1;
                    names.search(entry.path(), &text, &mut summary, visit);
                }
                Err(_) => summary.skipped += 1,
            }
            if !go_on(&summary) {
                break;
            }
        }
        Ok(summary)
    }
}

/// The text of a file, unless it is binary or too large.
fn read_text(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES || bytes.contains(&0) {
        return Err(ErrorKind::InvalidData.into());
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The names to look for, and what was found out about the words seen so far.
struct Names<'a> {
    catalog: &'a Catalog,
    now: Timestamp,
    /// What names begin with, up to the first `-`: `gpt`, `claude`, `o3`. Most words of a tree fail here.
    heads: Vec<String>,
    seen: BTreeMap<String, Option<Retirement>>,
}

impl<'a> Names<'a> {
    fn new(catalog: &'a Catalog, now: Timestamp) -> Self {
        let mut heads: Vec<String> =
            catalog.tables.retirement.iter().flat_map(|entry| &entry.row.models).map(|name| head(name.as_str()).to_owned()).collect();
        heads.sort_unstable();
        heads.dedup();
        Self { catalog, now, heads, seen: BTreeMap::new() }
    }

    fn search(&mut self, path: &Path, text: &str, summary: &mut Summary, visit: &mut dyn FnMut(Hit<'_>)) {
        for (index, line) in text.lines().enumerate() {
            for (column, word) in words(line) {
                let Some(retirement) = self.look_up(line, column, word) else { continue };
                match retirement.state {
                    ModelState::Retired => summary.retired += 1,
                    _ => summary.retiring += 1,
                }
                let column = line.get(..column).unwrap_or_default().chars().count() + 1;
                visit(Hit { path, line: index + 1, column, name: word, retirement });
            }
        }
    }

    fn look_up(&mut self, line: &str, column: usize, word: &str) -> Option<&Retirement> {
        if self.heads.binary_search_by(|known| known.as_str().cmp(head(word))).is_err() {
            return None;
        }
        // `o1` and `o3` are also names of variables: alone they count only as a whole string
        if !word.contains('-') && !is_quoted(line, column, word) {
            return None;
        }
        if !self.seen.contains_key(word) {
            let found = Dialect::ALL.into_iter().find_map(|provider| self.catalog.retirement(provider, &ModelId::new(word), self.now));
            self.seen.insert(word.to_owned(), found);
        }
        self.seen.get(word)?.as_ref()
    }
}

/// The part before the first `-`.
fn head(name: &str) -> &str {
    name.split(['-', '*']).next().unwrap_or(name)
}

/// Runs of the characters that model names are made of, with where they begin; dots that end a sentence are not in them.
fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + line.get(rest..)?.find(is_part)?;
        let tail = line.get(start..)?;
        let word = tail.split(|c| !is_part(c)).next()?;
        rest = start + word.len();
        Some((start, word.trim_end_matches(['.', '-'])))
    })
}

fn is_quoted(line: &str, column: usize, word: &str) -> bool {
    let quote = |c: Option<char>| c.filter(|c| matches!(c, '"' | '\'' | '`'));
    let before = quote(line.get(..column).and_then(|text| text.chars().next_back()));
    let after = quote(line.get(column + word.len()..).and_then(|text| text.chars().next()));
    before.is_some() && before == after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_falls_into_words_that_can_be_names() {
        let found: Vec<_> = words(r#"model="models/gpt-4.1-nano:x", see claude-2.1. (o3)"#).collect();
        assert_eq!(found, [(0, "model"), (7, "models"), (14, "gpt-4.1-nano"), (27, "x"), (31, "see"), (35, "claude-2.1"), (48, "o3")]);
    }
}
