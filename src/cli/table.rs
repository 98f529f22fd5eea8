//! Plain columns for terminals: aligned, no colours, nothing that a pipe could stumble over.

use std::io::Write;

use super::unwritable;
use crate::domain::Problem;

/// Prints rows under a header; columns are as wide as their widest cell.
pub(super) fn print(out: &mut dyn Write, header: &[&str], rows: &[Vec<String>]) -> Result<(), Problem> {
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(clean(cell).chars().count());
        }
    }
    let mut line = |cells: &[String]| {
        let text: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| format!("{:width$}", clean(cell))).collect();
        writeln!(out, "{}", text.join("  ").trim_end()).map_err(|error| unwritable(&error))
    };
    line(&header.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    rows.iter().try_for_each(|row| line(row))
}

/// Text from elsewhere must not steer the terminal.
pub(super) fn clean(cell: &str) -> String {
    cell.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_control_characters_are_shown_as_such() {
        let mut out = Vec::new();
        print(&mut out, &["label", "n"], &[vec!["a\u{1b}[2J".into(), "1".into()], vec!["longer name".into(), "22".into()]]).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "label        n\na\u{fffd}[2J        1\nlonger name  22\n");
    }
}
