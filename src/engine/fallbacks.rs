//! What a fallback route would do, before it is switched on: which wires both sides speak, and what the other side ignores.

use jiff::Timestamp;

use crate::catalog::Catalog;
use crate::domain::fallback::{Fallback, FallbackView};
use crate::domain::{Account, Api, Dialect, ModelId, Problem};
use crate::provider::wire;

/// Looks over a route.
///
/// # Errors
/// The account is not there, or the two sides have no wire format in common.
pub fn preview(route: Fallback, accounts: &[Account], now: Timestamp) -> Result<FallbackView, Problem> {
    let account = accounts
        .iter()
        .find(|account| account.id == route.account)
        .ok_or_else(|| Problem::new("the account of this route is not there any more"))?;
    let (to, from) = (account.dialect(), home_of(&route.from, now));
    let spoken = wire::spoken(to);
    let apis: Vec<Api> = spoken.iter().copied().filter(|api| from.is_none_or(|from| wire::spoken(from).contains(api))).collect();
    if apis.is_empty() {
        let problem = Problem::new(format!("{} and {} have no wire format in common", route.from, account.label));
        return Err(problem.hint("Tierline does not translate between formats; see the table of routes in the README"));
    }
    let mut differences: Vec<String> = Vec::new();
    for api in &apis {
        differences.extend(wire::differences(to, *api).iter().map(|text| format!("{}: {text}", api.name())));
    }
    if from != Some(to) {
        differences.push(wire::OF_ALL.to_owned());
    }
    Ok(FallbackView { label: account.label.clone(), apis, differences, route })
}

/// The accounts that could serve a model's requests, with the name left as it is.
pub(super) fn offers(from: &ModelId, accounts: &[Account], now: Timestamp) -> Vec<FallbackView> {
    let offer = |account: &Account| {
        let route = Fallback { from: from.clone(), account: account.id, to: from.clone() };
        preview(route, accounts, now).ok()
    };
    accounts.iter().filter_map(offer).collect()
}

/// Whose model it is, if the catalogue knows.
fn home_of(model: &ModelId, now: Timestamp) -> Option<Dialect> {
    [Dialect::Anthropic, Dialect::OpenAi, Dialect::Gemini, Dialect::DeepSeek]
        .into_iter()
        .find(|dialect| Catalog::bundled().price(*dialect, model, now, 0).is_some())
}
