//! `tierline connect`: the lines that point a client at the gateway.

use std::io::Write;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::json;

use super::accounts::ProviderArg;
use super::context::Context;
use super::{Done, print_json, unwritable};
use crate::domain::snippet::Snippet;
use crate::domain::{Problem, Provider};
use crate::engine::{self, Answer, Request};

#[derive(Debug, Args)]
pub(super) struct ConnectArgs {
    /// Which client.
    #[arg(long, value_parser = client(), ignore_case = true, default_value = "shell")]
    client: Snippet,
    /// Whose models, for clients that speak to several providers [default: that of the first account].
    #[arg(long, value_enum, conflicts_with = "account")]
    provider: Option<ProviderArg>,
    /// The same by an account's label, which a custom account's route is made of.
    #[arg(long, value_name = "LABEL")]
    account: Option<String>,
}

/// The names of all snippets, each read as the snippet that it names.
pub(super) fn client() -> impl TypedValueParser<Value = Snippet> {
    let named = |word: String| Snippet::ALL.into_iter().find(|snippet| word.eq_ignore_ascii_case(snippet.word())).unwrap_or_default();
    PossibleValuesParser::new(Snippet::ALL.map(Snippet::word)).map(named)
}

pub(super) fn run(context: &Context, args: &ConnectArgs, out: &mut dyn Write) -> Result<Done, Problem> {
    let accounts = context.reader()?.accounts()?;
    let named = match &args.account {
        Some(label) => Some(context.reader()?.account(label)?),
        None => accounts.iter().find(|account| args.provider.is_none_or(|provider| account.provider == provider.into())).cloned(),
    };
    let provider = named.as_ref().map(|account| account.provider).or(args.provider.map(Into::into)).unwrap_or(Provider::Anthropic);
    let client = args.client;
    if let Some(only) = client.only().filter(|only| args.account.is_some() && *only != provider) {
        return Err(Problem::new(format!("{} speaks to {} only, not to {}", client.name(), only.title(), provider.title())));
    }
    let gateway = match engine::ask(context.dir.path(), &Request::Status) {
        Some(Answer::Status { gateway: Some(url), .. }) => url,
        Some(_) | None => format!("http://127.0.0.1:{}", engine::DEFAULT_PORT),
    };
    let text = client.text(provider, &gateway, named.as_ref().map_or("LABEL", |account| account.label.as_str()));
    if context.json {
        return print_json(
            out,
            &json!({ "client": client.word(), "provider": client.only().unwrap_or(provider), "gateway": gateway, "text": text }),
        );
    }
    let hint = "TOKEN stands for a local token: `tierline token new --client NAME` makes one";
    let comment = if matches!(client, Snippet::TypeScript | Snippet::AiSdk) { "//" } else { "#" };
    writeln!(out, "{comment} {hint}\n{text}").map_err(|error| unwritable(&error))?;
    Ok(Done::Well)
}
