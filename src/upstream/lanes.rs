//! Several connections of HTTP/2 to one provider: the next one is opened when the streams of those before it are taken.
//!
//! A pool of hyper's shares one connection, and what is more than its peer allows waits inside it, where nobody sees it. So there
//! are several pools, one connection in each; those that are needed no more close when they have been idle for a while.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::Connect;
use hyper_util::client::legacy::{Builder, Client, Error as ClientError};
use tokio::sync::watch;

use super::body::Sending;

/// How many connections of HTTP/2 there may be to one provider. With the hundred streams that a peer should allow at least
/// (RFC 9113, section 6.5.2) they carry 1,600 requests at once.
const LANES: usize = 16;
/// What a peer is taken to allow as long as it has not said.
const ASSUMED_STREAMS: usize = 100;

/// Pools that are used one after the other.
#[derive(Debug)]
pub(super) struct Lanes<C> {
    pools: Arc<[Client<C, Sending>]>,
    sites: Arc<Sites>,
}

/// The providers that were asked so far, by host and port.
#[derive(Debug, Default)]
pub(super) struct Sites(Mutex<BTreeMap<String, Arc<Site>>>);

/// One provider: what its connections carry.
#[derive(Debug)]
pub(super) struct Site {
    lanes: Mutex<[Lane; LANES]>,
    /// How many streams a connection may have, as the latest one was told; none before the first.
    latest: watch::Sender<Option<usize>>,
    /// Held by the first request, as long as nobody knows how many may follow it.
    scout: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Lane {
    busy: usize,
    /// How many streams its connection may have; none before its first.
    most: Option<usize>,
}

/// A stream that a request takes up until its answer is over.
#[derive(Debug)]
pub(super) struct Place {
    site: Arc<Site>,
    lane: usize,
}

impl<C: Connect + Clone + Send + Sync + 'static> Lanes<C> {
    /// Pools of connections that `connector` makes; it is told to which lane they belong, and where to say what they may carry.
    pub(super) fn new(builder: &Builder, connector: impl Fn(usize, Arc<Sites>) -> C) -> Self {
        let sites = Arc::<Sites>::default();
        Self { pools: (0..LANES).map(|lane| builder.build(connector(lane, sites.clone()))).collect(), sites }
    }

    /// Sends a request on the first connection that has room for it.
    pub(super) fn send(
        &self,
        request: Request<Sending>,
    ) -> impl Future<Output = Result<(Response<Incoming>, Place), ClientError>> + Send + use<C> {
        let (pools, site) = (self.pools.clone(), self.sites.at(request.uri()));
        async move {
            let is_known = || site.latest.borrow().is_some();
            let scouting = if is_known() { None } else { Some(site.scout.lock().await) };
            let place = Place::take(&site);
            let mut sent = pools[place.lane].request(request);
            if let Some(scouting) = scouting.filter(|_| !is_known()) {
                let mut latest = site.latest.subscribe();
                let told = async { drop(latest.wait_for(Option::is_some).await) };
                tokio::select! {
                    answered = &mut sent => {
                        // an attempt that came to nothing must not make the others try one by one
                        site.latest.send_if_modified(|latest| latest.replace(latest.unwrap_or(ASSUMED_STREAMS)).is_none());
                        return Ok((answered?, place));
                    }
                    () = told => drop(scouting),
                }
            }
            Ok((sent.await?, place))
        }
    }
}

impl Sites {
    /// The provider at this URL.
    pub(super) fn at(&self, url: &Uri) -> Arc<Site> {
        let authority = url.authority().map_or("", |authority| authority.as_str());
        let mut sites = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(site) = sites.get(authority) {
            return site.clone();
        }
        let site = Arc::new(Site { lanes: Mutex::default(), latest: watch::Sender::default(), scout: tokio::sync::Mutex::default() });
        sites.insert(authority.to_owned(), site.clone());
        site
    }
}

impl Site {
    /// The connection of this lane may have so many streams from now on.
    pub(super) fn allows(&self, lane: usize, streams: usize) {
        self.lanes()[lane].most = Some(streams);
        // one that takes no more is about to close, which says nothing of the next
        if streams > 0 {
            self.latest.send_replace(Some(streams));
        }
    }

    fn lanes(&self) -> MutexGuard<'_, [Lane; LANES]> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// On the first lane with room, so that the last ones fall idle; on the one with the least to carry if none has any.
    fn take(site: &Arc<Site>) -> Self {
        let latest = site.latest.borrow().unwrap_or(ASSUMED_STREAMS);
        let mut lanes = site.lanes();
        let free = lanes.iter().position(|lane| lane.busy < lane.most.unwrap_or(latest));
        let lane = free.or_else(|| (0..LANES).min_by_key(|lane| lanes[*lane].busy)).unwrap_or(0);
        lanes[lane].busy += 1;
        drop(lanes);
        Self { site: site.clone(), lane }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.site.lanes()[self.lane].busy -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_filled_one_after_the_other_and_evenly_when_all_are_full() {
        let site = Sites::default().at(&Uri::from_static("https://api.example.com/v1/messages"));
        site.allows(0, 2);
        let take = |count: usize| (0..count).map(|_| Place::take(&site)).collect::<Vec<_>>();
        let numbers = |places: &[Place]| places.iter().map(|place| place.lane).collect::<Vec<_>>();
        let mut places = take(5);
        assert_eq!(numbers(&places), [0, 0, 1, 1, 2]);
        places.remove(0);
        assert_eq!(numbers(&take(1)), [0], "what became free is taken first");
        site.allows(1, 3);
        places.extend(take(2));
        assert_eq!(numbers(&places[4..]), [0, 1], "each connection has what it was told");
        site.allows(0, 0);
        drop(places);
        let places = take(3 + 14 * 3);
        assert!(places.iter().all(|place| place.lane > 0), "none of a connection that takes no more");
        assert_eq!(numbers(&take(1)), [0], "all are full, and this one carries least");
    }
}
