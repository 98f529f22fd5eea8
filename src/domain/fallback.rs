//! Where a request may go when its own account cannot serve it, because the user said so.

use serde::{Deserialize, Serialize};

use super::{AccountId, Api, ModelId};

/// One route: requests for a model may be served by another account with another model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallback {
    /// The name in requests.
    pub from: ModelId,
    /// Who serves it instead.
    pub account: AccountId,
    /// The model's name there.
    pub to: ModelId,
}

/// A route as the user should see it before it is switched on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FallbackView {
    /// The route.
    pub route: Fallback,
    /// The label of the account that serves instead.
    pub label: String,
    /// Which APIs both sides speak, so that nothing needs to be translated.
    pub apis: Vec<Api>,
    /// What the other side ignores or does differently, a sentence each.
    pub differences: Vec<String>,
}
