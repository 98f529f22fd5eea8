//! Local tokens: for whom, and the hash by which one is recognised. The token itself is never written.

use jiff::Timestamp;
use rusqlite::{Row, params};
use sha2::{Digest, Sha256};

use super::accounts::unknown;
use super::failure::failed;
use super::reader::Reader;
use super::row::{millis, time};
use super::writer::Store;
use crate::domain::{ClientName, Problem, Secret};

/// A client's token that is not revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientToken {
    /// Whose.
    pub client: ClientName,
    /// The token's [`token_hash`].
    pub hash: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was used last, to about a minute.
    pub last_used_at: Option<Timestamp>,
}

/// The hash under which a token is stored. Tokens are long and random, so that a plain SHA-256 gives nothing away.
#[must_use]
pub fn token_hash(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}

impl Store {
    /// Adds a client's token. Blocks until it is written.
    ///
    /// # Errors
    /// The client has one.
    pub fn add_token(&self, client: &ClientName, token: &Secret, now: Timestamp) -> Result<(), Problem> {
        let (client, hash) = (client.clone(), token_hash(token.expose().as_bytes()));
        self.call(move |db| {
            let taken: bool = db
                .query_row("SELECT EXISTS (SELECT 1 FROM client_tokens WHERE name = ? AND revoked_at IS NULL)", [client.as_str()], |row| {
                    row.get(0)
                })
                .map_err(failed("read the tokens"))?;
            if taken {
                return Err(Problem::new(format!("the client {:?} has a token already", client.as_str()))
                    .hint("revoke it first, or choose another name"));
            }
            db.execute("INSERT INTO client_tokens (name, sha256, created_at) VALUES (?, ?, ?)", params![client.as_str(), hash, millis(now)])
                .map(drop)
                .map_err(failed("store the token"))
        })
    }

    /// Makes a client's token useless from now on. Blocks until it is written.
    ///
    /// # Errors
    /// No client has this name; those that there are get named.
    pub fn revoke_token(&self, client: &ClientName, now: Timestamp) -> Result<(), Problem> {
        let name = client.clone();
        let revoked = self.call(move |db| {
            db.execute("UPDATE client_tokens SET revoked_at = ? WHERE name = ? AND revoked_at IS NULL", params![millis(now), name.as_str()])
                .map_err(failed("revoke the token"))
        })?;
        if revoked > 0 {
            return Ok(());
        }
        let known = self.reader()?.tokens()?.into_iter().map(|token| token.client.as_str().to_owned()).collect::<Vec<_>>();
        Err(unknown("client", client.as_str(), &known))
    }
}

impl Reader {
    /// Every token that is not revoked, oldest first.
    pub fn tokens(&self) -> Result<Vec<ClientToken>, Problem> {
        let sql = "SELECT name, sha256, created_at, last_used_at FROM client_tokens WHERE revoked_at IS NULL ORDER BY id";
        self.all("read the tokens", sql, [], from_row)
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<ClientToken> {
    Ok(ClientToken {
        client: ClientName::new(row.get_ref(0)?.as_str()?),
        hash: row.get(1)?,
        created_at: time(row.get(2)?),
        last_used_at: row.get::<_, Option<i64>>(3)?.map(time),
    })
}
