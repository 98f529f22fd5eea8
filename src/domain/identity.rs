//! Whose bucket it is: the organisation, project or workspace that a provider meters.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Provider;

/// What a provider's response headers say about who the key belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// `anthropic-organization-id`, `openai-organization`.
    pub organization: Option<String>,
    /// `openai-project`.
    pub project: Option<String>,
    /// `anthropic-workspace-id`.
    pub workspace: Option<String>,
}

/// How wide a scope is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeKind {
    /// The whole organisation.
    Organization,
    /// One project in it.
    Project,
    /// One workspace in it.
    Workspace,
    /// Only this account, as far as is known.
    Account,
}

impl ScopeKind {
    /// The name in JSON and on screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Project => "project",
            Self::Workspace => "workspace",
            Self::Account => "account",
        }
    }
}

/// What a provider meters as one: several accounts can share a scope, and then share its buckets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// Whose scope.
    pub provider: Provider,
    /// How wide.
    pub kind: ScopeKind,
    /// The provider's id for it, or the account's label while no id is known.
    pub id: String,
}

impl Scope {
    /// The scope of an account about whose organisation nothing is known yet.
    #[must_use]
    pub fn account(provider: Provider, label: &str) -> Self {
        Self { provider, kind: ScopeKind::Account, id: label.to_owned() }
    }

    /// The widest scope that `identity` names, which is where the provider's limits apply; `None` if it names none.
    ///
    /// OpenAI limits projects as well as organisations. Its headers show the tighter of the two, and accounts
    /// of different projects may differ, so the project is the scope there (facts, section 2.2).
    #[must_use]
    pub fn from_identity(provider: Provider, identity: &Identity) -> Option<Self> {
        let (kind, id) = match provider {
            Provider::OpenAi => match (&identity.project, &identity.organization) {
                (Some(project), _) => (ScopeKind::Project, project),
                (None, Some(organization)) => (ScopeKind::Organization, organization),
                (None, None) => return None,
            },
            _ => (ScopeKind::Organization, identity.organization.as_ref()?),
        };
        Some(Self { provider, kind, id: id.clone() })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.provider.name(), self.kind.name(), self.id)
    }
}
