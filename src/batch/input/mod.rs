//! The file with the rows: told apart by form, checked line by line, and read again one row at a time.
//!
//! A file may be far larger than memory: rows are known by their place in it and never all held at once.

pub mod file;
mod form;
pub(super) mod json;
pub mod row;
pub mod scan;
mod template;

pub use file::{InputFile, Place};
pub use row::{Reading, Row};
pub use scan::{Bad, Checks, Planned, Room, Scan, Tally, scan};
pub use template::Template;
