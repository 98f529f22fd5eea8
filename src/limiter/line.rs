//! The queue before one account's buckets for one class of models: fair between clients, interactive before batch.
//!
//! It orders; whether the next one may go is not its business.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

use super::estimate::Expectation;
use crate::domain::{ClientName, Lane, Tick};

/// A place in the queue, and later a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// One client's requests, oldest first, and how much it was served.
#[derive(Debug, Clone, Default)]
struct Turn {
    /// Virtual token counter: the share of the limits that was given to this client.
    served: u64,
    /// By which it stands in the order: what it was served, and a part of what it still asks for.
    rank: u64,
    waiting: VecDeque<Ticket>,
}

/// What waits in one lane, summed up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Queued {
    /// How many.
    pub count: u64,
    /// The sum of their expectations.
    pub sum: Expectation,
}

/// The queue.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// Requests that were refused or failed and are to go again first.
    again: VecDeque<Ticket>,
    turns: BTreeMap<(Lane, ClientName), Turn>,
    /// Those of them that wait for something, by their rank.
    order: BTreeSet<(Lane, u64, ClientName)>,
    /// Millionths of the limits that a request took of late.
    usual_weight: u64,
    queued: [Queued; 2],
    /// Served to each lane since both were waiting.
    lanes_served: [u64; 2],
}

impl Line {
    /// Of what is served while both lanes wait, batch gets at least one part in this many.
    const BATCH_FLOOR: u64 = 20;

    /// Millionths of the limits by which a client that asks for less than its share may be ahead of others: two seconds' worth.
    const SAVED: u64 = 33_333;

    /// Who asks for much lets those who ask for less go before, by so small a part of its own queue, and by no more than seven
    /// seconds' worth: half of what a bucket holds at first, given to the larger, would make the smaller wait more than twice as
    /// long as alone.
    const YIELDS: u64 = 50;
    const YIELDS_AT_MOST: u64 = 125_000;

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.again.is_empty() && self.queued.iter().all(|q| q.count == 0)
    }

    /// What waits in a lane, first tries only.
    #[must_use]
    pub const fn queued(&self, lane: Lane) -> &Queued {
        &self.queued[lane as usize]
    }

    /// Stands at the end of its client's queue.
    pub fn push(&mut self, ticket: Ticket, lane: Lane, client: &ClientName, expected: &Expectation) {
        let first = self.first_in(lane).and_then(|(_, _, client)| self.turns.get(&(lane, client.clone())));
        let least = first.map_or(0, |turn| turn.served);
        let turn = self.turns.entry((lane, client.clone())).or_default();
        if turn.waiting.is_empty() {
            // who was away has saved little up
            turn.served = turn.served.max(least.saturating_sub(Self::SAVED));
        }
        turn.waiting.push_back(ticket);
        self.rank(lane, client);
        self.queued[lane as usize].add(expected);
    }

    /// Stands before everybody.
    pub fn push_again(&mut self, ticket: Ticket) {
        self.again.push_back(ticket);
    }

    /// Who goes next.
    #[must_use]
    pub fn next(&self) -> Option<Ticket> {
        if let Some(ticket) = self.again.front() {
            return Some(*ticket);
        }
        let (lane, _, client) = self.first_in(self.next_lane())?;
        self.turns.get(&(*lane, client.clone()))?.waiting.front().copied()
    }

    fn first_in(&self, lane: Lane) -> Option<&(Lane, u64, ClientName)> {
        match self.order.first()? {
            first if first.0 == lane => Some(first),
            _ => self.order.range((lane, 0, ClientName::new(""))..).next().filter(|(of, ..)| *of == lane),
        }
    }

    fn next_lane(&self) -> Lane {
        let [interactive, batch] = self.queued.map(|q| q.count > 0);
        let [to_interactive, to_batch] = self.lanes_served;
        match (interactive, batch) {
            (true, true) if to_batch * Self::BATCH_FLOOR < to_interactive + to_batch => Lane::Batch,
            (true, _) => Lane::Interactive,
            (false, _) => Lane::Batch,
        }
    }

    /// `ticket` was served with `weight` millionths of the limits.
    pub fn served(&mut self, ticket: Ticket, lane: Lane, client: &ClientName, expected: &Expectation, weight: u64) {
        let both = self.queued.iter().all(|q| q.count > 0);
        if self.remove(ticket, lane, client, expected) {
            self.lanes_served = if both { self.lanes_served } else { [0; 2] };
            self.lanes_served[lane as usize] += weight.max(1);
            self.usual_weight = if self.usual_weight == 0 { weight } else { (self.usual_weight * 7 + weight) / 8 };
            if let Some(turn) = self.turns.get_mut(&(lane, client.clone())) {
                turn.served = turn.served.saturating_add(weight.max(1));
            }
            self.rank(lane, client);
        }
        // clients that went away long ago are forgotten
        if self.turns.len() > self.order.len() + 256 {
            self.turns.retain(|_, turn| !turn.waiting.is_empty());
        }
    }

    /// Puts a client where it belongs in the order.
    fn rank(&mut self, lane: Lane, client: &ClientName) {
        let Some(turn) = self.turns.get_mut(&(lane, client.clone())) else { return };
        let asks = (turn.waiting.len() as u64).saturating_mul(self.usual_weight);
        let rank = turn.served.saturating_add((asks / Self::YIELDS).min(Self::YIELDS_AT_MOST));
        let mut place = (lane, turn.rank, client.clone());
        if turn.waiting.is_empty() || turn.rank != rank {
            self.order.remove(&place);
        }
        turn.rank = rank;
        place.1 = rank;
        if !turn.waiting.is_empty() {
            self.order.insert(place);
        }
    }

    /// Something else is expected of one that waits.
    pub fn revise(&mut self, ticket: Ticket, lane: Lane, before: &Expectation, after: &Expectation) {
        if !self.again.contains(&ticket) {
            self.queued[lane as usize].sub(before);
            self.queued[lane as usize].add(after);
        }
    }

    /// Gives up its place. Whether it stood among the first tries.
    pub fn remove(&mut self, ticket: Ticket, lane: Lane, client: &ClientName, expected: &Expectation) -> bool {
        if let Some(at) = self.again.iter().position(|t| *t == ticket) {
            self.again.remove(at);
            return false;
        }
        let Some(turn) = self.turns.get_mut(&(lane, client.clone())) else { return false };
        // nearly always the first
        let Some(at) = turn.waiting.iter().position(|t| *t == ticket) else { return false };
        turn.waiting.remove(at);
        if turn.waiting.is_empty() {
            self.order.remove(&(lane, turn.rank, client.clone()));
        }
        self.queued[lane as usize].sub(expected);
        true
    }

    /// The first `most` in the order in which they would go if each were the same size.
    #[must_use]
    pub fn order(&self, most: usize) -> Vec<Ticket> {
        let mut order: Vec<Ticket> = self.again.iter().copied().take(most).collect();
        for lane in [Lane::Interactive, Lane::Batch] {
            let turns: Vec<&Turn> = self
                .order
                .range((lane, 0, ClientName::new(""))..)
                .map_while(|(of, _, client)| (*of == lane).then(|| self.turns.get(&(lane, client.clone()))).flatten())
                .collect();
            let mut next: BinaryHeap<Reverse<(u64, usize, usize)>> =
                turns.iter().enumerate().map(|(at, turn)| Reverse((turn.rank, at, 0))).collect();
            while order.len() < most {
                let Some(Reverse((served, at, n))) = next.pop() else { break };
                let Some(ticket) = turns.get(at).and_then(|turn| turn.waiting.get(n)) else { continue };
                order.push(*ticket);
                next.push(Reverse((served.saturating_add(1), at, n + 1)));
            }
        }
        order
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.again.len() + self.turns.values().map(|turn| turn.waiting.len()).sum::<usize>()
    }

    /// How many wait that were never let go.
    #[must_use]
    pub const fn first_tries(&self) -> u64 {
        self.queued[0].count + self.queued[1].count
    }

    /// Those that go again before everybody.
    pub fn again(&self) -> impl Iterator<Item = Ticket> {
        self.again.iter().copied()
    }

    /// How many first tries each client has here, in either lane.
    pub fn by_client(&self) -> impl Iterator<Item = (&ClientName, u64)> {
        self.turns.iter().map(|((_, client), turn)| (client, turn.waiting.len() as u64))
    }
}

impl Queued {
    /// This and another lane together.
    #[must_use]
    pub fn plus(mut self, other: &Self) -> Self {
        self.add(&other.sum);
        self.count += other.count;
        self.count -= 1;
        self
    }

    fn add(&mut self, expected: &Expectation) {
        self.count += 1;
        self.sum = Expectation {
            input: self.sum.input.saturating_add(expected.input),
            input_mean: self.sum.input_mean.saturating_add(expected.input_mean),
            output: self.sum.output.saturating_add(expected.output),
            max_output: Some(self.sum.max_output.unwrap_or(0).saturating_add(expected.max_output.unwrap_or(expected.output))),
            text_bytes: self.sum.text_bytes.saturating_add(expected.text_bytes),
        };
    }

    const fn sub(&mut self, expected: &Expectation) {
        let max = match expected.max_output {
            Some(max) => max,
            None => expected.output,
        };
        let sum_max = match self.sum.max_output {
            Some(max) => max,
            None => 0,
        };
        self.count -= 1;
        self.sum = Expectation {
            input: self.sum.input.saturating_sub(expected.input),
            input_mean: self.sum.input_mean.saturating_sub(expected.input_mean),
            output: self.sum.output.saturating_sub(expected.output),
            max_output: Some(sum_max.saturating_sub(max)),
            text_bytes: self.sum.text_bytes.saturating_sub(expected.text_bytes),
        };
    }
}

/// When something must be looked at again: the earliest of what it is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Earliest(pub Option<Tick>);

impl Earliest {
    /// Also at `tick`.
    pub fn also(&mut self, tick: Tick) {
        self.0 = Some(self.0.map_or(tick, |at| at.min(tick)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Queue(Line, BTreeMap<Ticket, (Lane, ClientName)>);

    impl Queue {
        fn push(&mut self, n: u64, lane: Lane, client: &str) {
            self.0.push(Ticket(n), lane, &ClientName::new(client), &Expectation::default());
            self.1.insert(Ticket(n), (lane, ClientName::new(client)));
        }

        fn serve(&mut self, weight: u64) -> u64 {
            let ticket = self.0.next().unwrap();
            let (lane, client) = self.1[&ticket].clone();
            self.0.served(ticket, lane, &client, &Expectation::default(), weight);
            ticket.0
        }
    }

    fn queue() -> Queue {
        Queue(Line::default(), BTreeMap::new())
    }

    #[test]
    fn a_script_with_fifty_requests_does_not_starve_one_with_one() {
        let mut queue = queue();
        for n in 0..50 {
            queue.push(n, Lane::Interactive, "script");
        }
        assert_eq!([queue.serve(10), queue.serve(10)], [0, 1]);
        queue.push(100, Lane::Interactive, "person");
        let next: Vec<u64> = (0..3).map(|_| queue.serve(10)).collect();
        assert!(next[..2].contains(&100), "{next:?}");
    }

    #[test]
    fn what_a_bucket_holds_at_first_is_not_halved_with_one_who_asks_for_fifty_times_as_much() {
        for (small, first) in [("a", "small"), ("z", "large")] {
            let mut queue = queue();
            for n in 0..2_000 {
                queue.push(n, Lane::Interactive, "large");
            }
            for n in 5_000..5_040 {
                queue.push(n, Lane::Interactive, small);
            }
            // 300 a minute
            let served: Vec<bool> = (0..2_040).map(|_| queue.serve(3_333) >= 5_000).collect();
            let p95 = served.iter().enumerate().filter(|(_, is_small)| **is_small).nth(37).map(|(at, _)| at).unwrap();
            assert!(p95 < 2 * 38 - 5, "{first} first: the 38th of 40 is at place {p95}");
        }
    }

    #[test]
    fn who_asks_for_much_is_held_up_by_newcomers_for_a_little_while_only() {
        let mut queue = queue();
        for n in 0..2_000 {
            queue.push(n, Lane::Interactive, "large");
        }
        let mut served = Vec::new();
        for round in 0..200 {
            // somebody always has one request
            queue.push(5_000 + round, Lane::Interactive, "small");
            served.extend((0..2).map(|_| queue.serve(3_333) >= 5_000));
        }
        let of_small = served[100..].iter().filter(|is_small| **is_small).count();
        assert!((140..=160).contains(&of_small), "{of_small} of 300");
    }

    #[test]
    fn batch_waits_for_people_but_gets_its_floor() {
        let mut queue = queue();
        for n in 0..200 {
            queue.push(n, Lane::Interactive, "person");
            queue.push(1_000 + n, Lane::Batch, "batch");
        }
        let served: Vec<u64> = (0..100).map(|_| queue.serve(10)).collect();
        let batch = served.iter().filter(|n| **n >= 1_000).count();
        assert!((5..=6).contains(&batch), "{batch} of 100");
    }

    #[test]
    fn who_was_refused_goes_first() {
        let mut queue = queue();
        queue.push(1, Lane::Interactive, "a");
        queue.0.push_again(Ticket(9));
        assert_eq!(queue.0.next(), Some(Ticket(9)));
        assert_eq!(queue.0.order(9), [Ticket(9), Ticket(1)]);
        assert_eq!((queue.0.order(1), queue.0.len()), (vec![Ticket(9)], 2));
    }

    #[test]
    fn the_order_alternates_between_clients() {
        let mut queue = queue();
        for (n, client) in [(1, "a"), (2, "a"), (3, "a"), (4, "b"), (5, "b")] {
            queue.push(n, Lane::Interactive, client);
        }
        assert_eq!(queue.0.order(9).iter().map(|t| t.0).collect::<Vec<_>>(), [1, 4, 2, 5, 3]);
        assert_eq!(queue.0.order(3).len(), 3);
    }
}
