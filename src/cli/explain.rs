//! `tierline explain ...`: what a pasted refusal means.

use std::io::{Read, Write};
use std::path::PathBuf;

use clap::Args;
use http::{HeaderMap, StatusCode};

use super::{Done, print_json, table, unwritable};
use crate::clock::SystemClock;
use crate::domain::{Clock, Dialect, Problem};
use crate::engine::explain::headers;
use crate::provider;

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// Whose refusal it is: anthropic, openai, gemini, deepseek, openrouter, groq, mistral, xai, together, fireworks, azure-openai, cerebras, vertex, ...
    #[arg(long, value_parser = parse_dialect)]
    provider: Dialect,
    /// The HTTP status.
    #[arg(long, value_parser = parse_status)]
    status: StatusCode,
    /// A file with the headers, one `name: value` a line.
    #[arg(long, value_name = "FILE")]
    headers: Option<PathBuf>,
}

fn parse_dialect(name: &str) -> Result<Dialect, String> {
    Dialect::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = Dialect::ALL.iter().map(|dialect| dialect.name()).collect();
        format!("no provider is called {name:?}; there are {}", known.join(", "))
    })
}

fn parse_status(text: &str) -> Result<StatusCode, String> {
    text.parse::<u16>()
        .ok()
        .and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or_else(|| "a status is a number from 100 to 999".to_owned())
}

pub(super) fn run(args: &ExplainArgs, json: bool, out: &mut dyn Write) -> Result<Done, Problem> {
    let mut body = Vec::new();
    std::io::stdin()
        .take(4 * 1024 * 1024)
        .read_to_end(&mut body)
        .map_err(|error| Problem::new("the body could not be read from standard input").because(error))?;
    let headers = match &args.headers {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| Problem::new(format!("the headers could not be read from {}", path.display())).because(error))?;
            headers(&text)
        }
        None => HeaderMap::new(),
    };
    let now = SystemClock::new().now().wall;
    let Some(verdict) = provider::verdict(args.provider, args.status, &headers, &body, now) else {
        return Err(Problem::new(format!("status {} without an error inside is no refusal", args.status.as_u16())));
    };
    if json {
        return print_json(out, &verdict.json());
    }
    let wait = verdict.retry_after.map_or_else(|| "no time was given".to_owned(), |wait| format!("wait {:.1} s", wait.as_secs_f64()));
    // both quote what was pasted
    let (reason, advice) = (table::clean(&verdict.reason), table::clean(&verdict.advice));
    writeln!(out, "{}: {reason}\n{advice}\n{wait}", verdict.kind.name()).map_err(|error| unwritable(&error))?;
    Ok(Done::Well)
}
