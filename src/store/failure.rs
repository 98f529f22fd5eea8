//! SQLite's errors in words, with what can be done.

use rusqlite::ErrorCode;

use crate::domain::Problem;

/// Turns a database error into a problem: `.map_err(failed("read the accounts"))`.
pub(super) fn failed(doing: &str) -> impl Fn(rusqlite::Error) -> Problem + '_ {
    move |error| {
        let problem = Problem::new(format!("could not {doing}")).because(&error);
        match advice(error.sqlite_error_code()) {
            Some(hint) => problem.hint(hint),
            None => problem,
        }
    }
}

/// Whether trying the same again later can help: the disk, another program, or the system stands in the way, not the row.
pub(super) fn may_pass(error: &rusqlite::Error) -> bool {
    !matches!(
        error.sqlite_error_code(),
        None | Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig | ErrorCode::ParameterOutOfRange)
    )
}

/// Whether the file holds no (whole) database.
pub(super) fn is_corrupt(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

fn advice(code: Option<ErrorCode>) -> Option<&'static str> {
    Some(match code? {
        ErrorCode::DiskFull => "free some disk space",
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => "another program holds the database; close it or try again",
        ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
            "check that the data folder can be written, or name another with --data-dir"
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => "start Tierline again: it moves a corrupt database aside",
        _ => return None,
    })
}
