//! Fallback routes, in the order in which they were added.

use rusqlite::{Row, params};

use super::failure::failed;
use super::reader::Reader;
use super::writer::Store;
use crate::domain::{AccountId, Fallback, ModelId, Problem};

impl Store {
    /// Adds a route behind those for the same model. One that is there stays where it is. Blocks until it is written.
    ///
    /// # Errors
    /// No account has this number.
    pub fn add_fallback(&self, route: Fallback) -> Result<(), Problem> {
        self.call(move |db| {
            db.execute(
                "INSERT OR IGNORE INTO routes (model, place, account, replacement)
                 VALUES (?1, (SELECT ifnull(max(place), 0) + 1 FROM routes WHERE model = ?1), ?2, ?3)",
                params![route.from.as_str(), route.account.0, route.to.as_str()],
            )
            .map(drop)
            .map_err(failed("add the route"))
        })
    }

    /// Takes routes of a model away: one, or all of them. Blocks until it is written.
    ///
    /// # Errors
    /// There is none.
    pub fn remove_fallbacks(&self, from: ModelId, to: Option<(AccountId, ModelId)>) -> Result<(), Problem> {
        self.call(move |db| {
            let (account, model) = to.map_or((None, None), |(account, model)| (Some(account.0), Some(model)));
            let removed = db
                .execute(
                    "DELETE FROM routes WHERE model = ?1 AND (?2 IS NULL OR account = ?2 AND replacement = ?3)",
                    params![from.as_str(), account, model.as_ref().map(ModelId::as_str)],
                )
                .map_err(failed("remove the route"))?;
            if removed == 0 { Err(Problem::new("there is no such route").hint("see `tierline routes list`")) } else { Ok(()) }
        })
    }
}

impl Reader {
    /// Every route, by model and in the order in which they are tried.
    pub fn fallbacks(&self) -> Result<Vec<Fallback>, Problem> {
        self.all("read the routes", "SELECT model, account, replacement FROM routes ORDER BY model, place", [], from_row)
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Fallback> {
    let model = |column| row.get_ref(column)?.as_str().map(ModelId::new).map_err(rusqlite::Error::from);
    Ok(Fallback { from: model(0)?, account: AccountId(row.get(1)?), to: model(2)? })
}
