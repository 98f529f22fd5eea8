//! `tierline accounts ...`

use std::io::{Read, Write};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use zeroize::Zeroizing;

use super::context::Context;
use super::import_limits::{self, ImportLimitsArgs};
use super::import_usage::{self, ImportUsageArgs, UsageArgs};
use super::{Done, VaultKind, print_json, serve, table, unwritable};
use crate::domain::command::NewAccount;
use crate::domain::{Account, KeyRef, Problem, Provider, Secret};
use crate::engine::registry;
use crate::vault;

#[derive(Debug, Subcommand)]
pub(super) enum AccountsCommand {
    /// Store an account. Its key comes from standard input or from an environment variable, never from the command line.
    Add(AddArgs),
    /// Every account: never a key, only its fingerprint.
    List,
    /// Let an account go to another base URL. Its key is asked for again: it is bound to the place that it was stored for.
    SetUrl(SetUrlArgs),
    /// Forget an account and delete its key from the keyring.
    Remove {
        /// The account's label.
        label: String,
    },
    /// Store the keys found in the environment (ANTHROPIC_API_KEY, OPENAI_API_KEY, GEMINI_API_KEY or GOOGLE_API_KEY, DEEPSEEK_API_KEY).
    ImportEnv,
    /// Read the limits that are configured at the provider, with an admin key that is used once and not stored.
    ImportLimits(ImportLimitsArgs),
    /// Hold what the provider reports as used and billed against what was recorded here; the admin key is used once and not stored.
    ImportUsage(ImportUsageArgs),
    /// The same for what was imported last, without asking anybody.
    Usage(UsageArgs),
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Whose API.
    #[arg(long, value_enum)]
    provider: ProviderArg,
    /// Your name for it.
    #[arg(long)]
    label: String,
    /// Where it lives, if not at the provider's usual address. Must be https unless it is on this machine.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    #[command(flatten)]
    key: KeyArg,
}

#[derive(Debug, Args)]
pub(super) struct SetUrlArgs {
    /// The account's label.
    label: String,
    /// Where it goes from now on. Must be https unless it is on this machine.
    url: String,
    #[command(flatten)]
    key: KeyArg,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct KeyArg {
    /// Read the key from standard input.
    #[arg(long)]
    key_stdin: bool,
    /// Read the key from this environment variable.
    #[arg(long, value_name = "VAR")]
    key_env: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "lowercase")]
pub(super) enum ProviderArg {
    Anthropic,
    OpenAi,
    Gemini,
    DeepSeek,
    Custom,
}

impl From<ProviderArg> for Provider {
    fn from(arg: ProviderArg) -> Self {
        match arg {
            ProviderArg::Anthropic => Self::Anthropic,
            ProviderArg::OpenAi => Self::OpenAi,
            ProviderArg::Gemini => Self::Gemini,
            ProviderArg::DeepSeek => Self::DeepSeek,
            ProviderArg::Custom => Self::Custom,
        }
    }
}

pub(super) fn run(context: &Context, command: AccountsCommand, out: &mut dyn Write) -> Result<Done, Problem> {
    match command {
        AccountsCommand::Add(args) => {
            let account = add(context, args)?;
            context.tell_server()?;
            show(context, &[account], "added", out)
        }
        AccountsCommand::List => {
            let accounts = context.reader()?.accounts()?;
            show(context, &accounts, "", out)
        }
        AccountsCommand::SetUrl(args) => {
            let account = set_url(context, args)?;
            context.tell_server()?;
            show(context, &[account], "moved", out)
        }
        AccountsCommand::Remove { label } => {
            let account = context.reader()?.account(&label)?;
            serve::runtime()?.block_on(registry::remove_account(&context.store, &context.vault, &account))?;
            context.tell_server()?;
            show(context, &[account], "removed", out)
        }
        AccountsCommand::ImportEnv => import(context, out),
        AccountsCommand::ImportLimits(args) => import_limits::run(context, &args, out),
        AccountsCommand::ImportUsage(args) => import_usage::import(context, &args, out),
        AccountsCommand::Usage(args) => import_usage::show(context, &args, out),
    }
}

fn add(context: &Context, args: AddArgs) -> Result<Account, Problem> {
    let provider = args.provider.into();
    match args.key.read(context.kind)? {
        Given::InVariable(variable) => {
            registry::add_env_account(&context.store, provider, &args.label, args.base_url.as_deref(), &variable, context.clock.as_ref())
        }
        Given::Key(key) => {
            let new = NewAccount { provider, label: args.label, base_url: args.base_url, key };
            serve::runtime()?.block_on(registry::add_account(&context.store, &context.vault, new, context.clock.as_ref()))
        }
    }
}

fn set_url(context: &Context, args: SetUrlArgs) -> Result<Account, Problem> {
    let account = context.reader()?.account(&args.label)?;
    match args.key.read(context.kind)? {
        Given::InVariable(variable) => registry::move_env_account(&context.store, &account, &args.url, &variable),
        Given::Key(key) => serve::runtime()?.block_on(registry::move_account(&context.store, &context.vault, &account, &args.url, &key)),
    }
}

/// How a key was given.
enum Given {
    /// It is to be stored.
    Key(Secret),
    /// It stays in this variable.
    InVariable(String),
}

impl KeyArg {
    fn read(self, kind: VaultKind) -> Result<Given, Problem> {
        match (kind, self.key_env) {
            (VaultKind::Memory, _) => Err(Problem::new("--vault memory keeps keys only in one process, and this command ends now")
                .hint("use --vault keyring, or --vault env with --key-env")),
            (VaultKind::Env, Some(variable)) => Ok(Given::InVariable(variable)),
            (VaultKind::Env, None) => {
                Err(Problem::new("--vault env stores no keys").hint("name the variable that has the key with --key-env"))
            }
            (VaultKind::Keyring, variable) => variable.as_deref().map_or_else(read_key_stdin, read_key_env).map(Given::Key),
        }
    }
}

fn import(context: &Context, out: &mut dyn Write) -> Result<Done, Problem> {
    if context.kind == VaultKind::Memory {
        return Err(Problem::new("--vault memory keeps keys only in one process, and this command ends now")
            .hint("use --vault keyring or --vault env"));
    }
    let found = registry::found_keys(&context.reader()?.accounts()?);
    let runtime = serve::runtime()?;
    let mut added = Vec::new();
    for key in found.iter().filter(|key| !key.known) {
        added.push(runtime.block_on(registry::import_key(&context.store, &context.vault, key, context.clock.as_ref()))?);
    }
    context.tell_server()?;
    if found.is_empty() && !context.json {
        writeln!(out, "no key found; looked for {}", variables().join(", ")).map_err(|error| unwritable(&error))?;
    }
    for known in found.iter().filter(|key| key.known && !context.json) {
        writeln!(out, "{} ({}) is stored already", known.variable, known.fingerprint).map_err(|error| unwritable(&error))?;
    }
    show(context, &added, "added", out)
}

fn variables() -> Vec<&'static str> {
    Provider::ALL.iter().flat_map(|provider| provider.key_variables()).copied().collect()
}

fn show(context: &Context, accounts: &[Account], what: &str, out: &mut dyn Write) -> Result<Done, Problem> {
    if context.json {
        let rows: Vec<_> = accounts.iter().map(row).collect();
        return print_json(out, &rows);
    }
    if what.is_empty() {
        let rows: Vec<Vec<String>> = accounts
            .iter()
            .map(|account| {
                let Account { label, provider, base_url, fingerprint, .. } = account;
                vec![label.clone(), provider.name().into(), base_url.to_string(), fingerprint.to_string(), key_place(&account.key)]
            })
            .collect();
        table::print(out, &["label", "provider", "base URL", "key fingerprint", "key in"], &rows)?;
        return Ok(Done::Well);
    }
    for account in accounts {
        writeln!(out, "{what} {} ({}, {}, key {})", account.label, account.provider.name(), account.base_url, account.fingerprint)
            .map_err(|error| unwritable(&error))?;
    }
    Ok(Done::Well)
}

fn row(account: &Account) -> serde_json::Value {
    json!({
        "label": account.label,
        "provider": account.provider,
        "base_url": account.base_url,
        "fingerprint": account.fingerprint,
        "key": account.key,
        "created_at": account.created_at,
    })
}

fn key_place(key: &KeyRef) -> String {
    match key {
        KeyRef::Keyring { .. } => "keyring".into(),
        KeyRef::Env { variable } => format!("${variable}"),
        KeyRef::Memory { .. } => "memory".into(),
    }
}

/// A key from an environment variable.
pub(super) fn read_key_env(variable: &str) -> Result<Secret, Problem> {
    vault::from_env(variable).map_err(Problem::from)
}

/// A key from standard input.
pub(super) fn read_key_stdin() -> Result<Secret, Problem> {
    let mut text = Zeroizing::new(String::new());
    // one byte more than any key, to tell a file from a key
    std::io::stdin()
        .take(8_192)
        .read_to_string(&mut text)
        .map_err(|error| Problem::new("the key could not be read from standard input").because(error))?;
    Secret::from_pasted(&text).map_err(|why| Problem::new(why.to_string()))
}
