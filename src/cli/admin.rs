//! What the commands with an admin key share: the key, where it is used, and which accounts its answers are about.

use std::collections::BTreeMap;

use clap::Args;

use super::accounts::{read_key_env, read_key_stdin};
use super::context::Context;
use crate::domain::{Account, AccountId, BaseUrl, Identity, Problem, Secret};

/// An account, and the admin key of its organisation.
#[derive(Debug, Args)]
pub(super) struct AdminArgs {
    /// The account's label.
    #[arg(long)]
    pub(super) account: String,
    #[command(flatten)]
    key: AdminKeyArg,
    /// Where the admin API lives, if not at the account's base URL.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct AdminKeyArg {
    /// Read the admin key from standard input. It is used once and not stored.
    #[arg(long)]
    admin_key_stdin: bool,
    /// Read the admin key from this environment variable.
    #[arg(long, value_name = "VAR")]
    admin_key_env: Option<String>,
}

impl AdminArgs {
    pub(super) fn base_url(&self) -> Result<Option<BaseUrl>, Problem> {
        self.base_url.as_deref().map(BaseUrl::parse).transpose().map_err(|why| Problem::new(why.to_string()))
    }

    pub(super) fn key(&self) -> Result<Secret, Problem> {
        self.key.admin_key_env.as_deref().map_or_else(read_key_stdin, read_key_env)
    }
}

/// The accounts of one provider, by whether an admin API's answer is about them.
#[derive(Debug)]
pub(super) struct Covered {
    /// It is about these.
    pub(super) accounts: Vec<Account>,
    /// No answer has said yet whose these are.
    pub(super) unknown: Vec<Account>,
}

impl Covered {
    /// `about` says of what is known of an account whether the answer is about it; `None` if that does not tell.
    ///
    /// # Errors
    /// The answer is certainly not about the account that it was asked for.
    pub(super) fn new(context: &Context, asked: &Account, about: impl Fn(&Identity) -> Option<bool>) -> Result<Self, Problem> {
        let reader = context.reader()?;
        let identities: BTreeMap<AccountId, Identity> = reader.identities()?;
        let known = |account: &Account| identities.get(&account.id).and_then(&about);
        if known(asked) == Some(false) {
            let whose = identities.get(&asked.id).and_then(|known| known.project.clone().or_else(|| known.organization.clone()));
            return Err(Problem::new(format!(
                "account {} belongs to {}, not to what was asked about",
                asked.label,
                whose.unwrap_or_default()
            ))
            .hint("name its project, or use the admin key of its organization"));
        }
        let mut covered = Self { accounts: Vec::new(), unknown: Vec::new() };
        for account in reader.accounts()?.into_iter().filter(|account| account.provider == asked.provider) {
            match known(&account) {
                Some(true) => covered.accounts.push(account),
                _ if account.id == asked.id => covered.accounts.push(account),
                None => covered.unknown.push(account),
                Some(false) => {}
            }
        }
        Ok(covered)
    }

    pub(super) fn labels(accounts: &[Account]) -> Vec<&str> {
        accounts.iter().map(|account| account.label.as_str()).collect()
    }
}
