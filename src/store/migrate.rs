//! Brings a database to the present version: one file of SQL a version, each in its own transaction, append only.

use rusqlite::{Connection, TransactionBehavior};

/// Version 1 first. A file that was released is never edited.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001_init.sql"),
    include_str!("../../migrations/0002_admin_limits.sql"),
    include_str!("../../migrations/0003_aliases.sql"),
    include_str!("../../migrations/0004_batch.sql"),
    include_str!("../../migrations/0005_admin_usage.sql"),
    include_str!("../../migrations/0006_parts.sql"),
    include_str!("../../migrations/0007_budgets_routes.sql"),
    include_str!("../../migrations/0008_batch_parts.sql"),
    include_str!("../../migrations/0009_unpriced.sql"),
    include_str!("../../migrations/0010_batch_answers.sql"),
];

/// Why a database cannot be brought to the present version.
#[derive(Debug)]
pub(super) enum MigrateError {
    /// A later Tierline wrote it: its version, and the highest that is known here.
    Newer(i64, u32),
    /// The database said no.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for MigrateError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// The version that the database says it has; 0 when it is new.
pub(super) fn version(db: &Connection) -> Result<u32, MigrateError> {
    let newest = numbered().last().map_or(0, |(number, _)| number);
    let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    u32::try_from(found).ok().filter(|version| *version <= newest).ok_or(MigrateError::Newer(found, newest))
}

/// Runs every migration that the database has not had.
pub(super) fn migrate(db: &mut Connection) -> Result<(), MigrateError> {
    let found = version(db)?;
    for (number, sql) in numbered().filter(|(number, _)| *number > found) {
        // immediate: of two processes that start at once, the second waits here and then finds the work done
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if version(&tx)? < number {
            tx.execute_batch(sql)?;
            tx.pragma_update(None, "user_version", number)?;
        }
        tx.commit()?;
    }
    Ok(())
}

fn numbered() -> impl Iterator<Item = (u32, &'static str)> {
    (1..).zip(MIGRATIONS.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_database_becomes_the_present_one_and_stays_it() {
        let mut db = Connection::open_in_memory().unwrap();
        migrate(&mut db).unwrap();
        assert_eq!(version(&db).unwrap() as usize, MIGRATIONS.len());
        migrate(&mut db).unwrap();
        let tables: Vec<String> = db
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(
            tables.join(" "),
            "account_scopes accounts admin_costs admin_limits admin_usage aliases batch_answers batch_lines batch_parts batch_rows batches bucket_state budgets client_tokens learned limit_changes model_days \
              part_day part_hour part_minute refusals requests \
             rollup_day rollup_hour rollup_minute routes settings snapshots user_limits"
        );
    }

    #[test]
    fn a_later_version_is_told_apart() {
        let mut db = Connection::open_in_memory().unwrap();
        let newest = u32::try_from(MIGRATIONS.len()).unwrap();
        for later in [i64::from(newest) + 1, 99, -1] {
            db.pragma_update(None, "user_version", later).unwrap();
            assert!(matches!(migrate(&mut db), Err(MigrateError::Newer(_, known)) if known == newest), "{later}");
        }
    }
}
