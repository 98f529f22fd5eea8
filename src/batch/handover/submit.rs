//! Submits a part, once; and finds out whether the provider has one of which that is not certain.

use serde_json::Value;

use super::super::judge::Next;
use super::api::{Api, Errand};
use super::call::{Called, Line, Refusal, json};
use super::pack::Parcel;
use crate::domain::Problem;
use crate::store::BatchPart;

/// How a submission went.
pub(super) enum Submitted {
    /// The provider has it, under this name.
    As(String),
    /// It certainly has not.
    Not(Box<Refusal>),
    /// It may have it.
    Unsure,
}

/// What a search found.
pub(super) enum Found {
    As(String),
    Nothing,
    /// The list could not be had.
    Unknown,
    Stop(Problem),
}

/// An answer that holds no results is not longer.
pub(super) const MOST_ANSWER: usize = 8 << 20;
/// How far the provider's clock may be behind ours, in seconds.
const SKEW: i64 = 600;
/// How many pages of a list are read.
const MOST_PAGES: usize = 20;

/// Submits it. It is in the journal already.
pub(super) async fn submit(api: Api, line: &mut Line, parcel: Parcel) -> Result<Submitted, Problem> {
    let Parcel { part, target, mut text, .. } = parcel;
    let mut uploaded = None;
    if let Some(upload) = api.upload(&part.tag, &text) {
        drop(std::mem::take(&mut text));
        match line.call(&upload).await? {
            Called::Took(response) => match json(response, MOST_ANSWER).await {
                Ok((body, answer)) => (text, uploaded) = (body, api.tidy(&answer)),
                Err(reason) => return Ok(Submitted::Not(Box::new(unreached(reason)))),
            },
            // without a batch that names it, a file costs nothing and does nothing
            Called::Unsure(reason) => return Ok(Submitted::Not(Box::new(unreached(reason)))),
            Called::Refused(refusal) => return Ok(Submitted::Not(Box::new(refusal))),
        }
    }
    let create = match api.create(&target, &part.tag, text) {
        Ok(create) => create,
        Err(reason) => return Ok(Submitted::Not(Box::new(unreached(reason)))),
    };
    Ok(match line.call(&create).await? {
        Called::Refused(refusal) => {
            tidy(line, uploaded).await?;
            Submitted::Not(Box::new(refusal))
        }
        Called::Unsure(_) => Submitted::Unsure,
        Called::Took(response) => {
            json(response, MOST_ANSWER).await.ok().and_then(|(_, answer)| api.created(&answer)).map_or(Submitted::Unsure, Submitted::As)
        }
    })
}

/// Removes what was uploaded and is of no use any more. What cannot be removed is told, and stops nothing.
pub(super) async fn tidy(line: &mut Line, errand: Option<Errand>) -> Result<(), Problem> {
    let Some(errand) = errand else { return Ok(()) };
    let why = match line.call(&errand).await? {
        Called::Took(_) => return Ok(()),
        Called::Refused(Refusal { reason, .. }) | Called::Unsure(reason) => reason,
    };
    tracing::warn!(path = errand.path, why, "a file with requests stays with the provider: it could not be deleted");
    Ok(())
}

/// Nothing came of it, and nothing is known against it.
fn unreached(reason: String) -> Refusal {
    let next = Next::Again(std::time::Duration::ZERO, u32::MAX);
    Refusal { status: None, headers: http::HeaderMap::new(), body: bytes::Bytes::new(), next, reason }
}

/// Looks for a part among the provider's batches: by its tag, or, where a batch cannot carry one, by its size and time
/// among those that nobody else of ours is. Then its results tell whether it really is the one.
pub(super) async fn find(api: Api, line: &mut Line, part: &BatchPart, is_known: impl Fn(&str) -> bool) -> Result<Found, Problem> {
    let mut after: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let answer: Value = match line.call(&api.list(after.as_deref())).await? {
            Called::Took(response) => match json(response, MOST_ANSWER).await {
                Ok((_, answer)) => answer,
                Err(_) => return Ok(Found::Unknown),
            },
            Called::Refused(Refusal { next: Next::Stop(problem), .. }) => return Ok(Found::Stop(problem)),
            Called::Refused(_) | Called::Unsure(_) => return Ok(Found::Unknown),
        };
        let (batches, next) = api.listed(&answer);
        let too_old = part.at.as_second().saturating_sub(SKEW);
        let is_it = |batch: &&super::api::Listed| match &batch.tag {
            Some(tag) => *tag == part.tag,
            None => api == Api::Anthropic && batch.created >= too_old && batch.rows == Some(part.rows) && !is_known(&batch.id),
        };
        if let Some(batch) = batches.iter().find(is_it) {
            return Ok(Found::As(batch.id.clone()));
        }
        if next.is_none() || batches.iter().any(|batch| batch.created < too_old) {
            return Ok(Found::Nothing);
        }
        after = next;
    }
    Ok(Found::Nothing)
}
