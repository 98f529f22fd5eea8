//! `tierline token ...`

use std::io::Write;

use clap::Subcommand;
use serde_json::json;

use super::context::Context;
use super::{Done, print_json, table, unwritable};
use crate::domain::{ClientName, Problem};
use crate::engine::registry;

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token for one of your programs. It is shown once; only its hash is kept.
    New {
        /// The program's name, as it will stand in the traffic.
        #[arg(long)]
        client: String,
    },
    /// Every client that has a token.
    List,
    /// Make a client's token useless.
    Revoke {
        /// The client's name.
        client: String,
    },
}

pub(super) fn run(context: &Context, command: &TokenCommand, out: &mut dyn Write) -> Result<Done, Problem> {
    match command {
        TokenCommand::New { client } => {
            let token = registry::new_token(&context.store, client, context.clock.as_ref())?;
            context.tell_server()?;
            if context.json {
                return print_json(out, &json!({ "client": client, "token": token.expose() }));
            }
            writeln!(out, "{}", token.expose()).map_err(|error| unwritable(&error))?;
        }
        TokenCommand::List => {
            let tokens = context.reader()?.tokens()?;
            if context.json {
                let rows: Vec<_> = tokens
                    .iter()
                    .map(|t| json!({ "client": t.client, "created_at": t.created_at, "last_used_at": t.last_used_at }))
                    .collect();
                return print_json(out, &rows);
            }
            let rows: Vec<Vec<String>> = tokens
                .iter()
                .map(|t| {
                    vec![t.client.to_string(), t.created_at.to_string(), t.last_used_at.map_or_else(|| "never".into(), |at| at.to_string())]
                })
                .collect();
            table::print(out, &["client", "created", "last used"], &rows)?;
        }
        TokenCommand::Revoke { client } => {
            context.store.revoke_token(&ClientName::new(client), context.clock.now().wall)?;
            context.tell_server()?;
            if context.json {
                return print_json(out, &json!({ "revoked": client }));
            }
            writeln!(out, "revoked {client}").map_err(|error| unwritable(&error))?;
        }
    }
    Ok(Done::Well)
}
