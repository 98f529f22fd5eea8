//! The prompt cache: prefixes that were sent before, by hash, for five minutes or an hour after their last use.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::answer::InputUsage;
use super::clock::{MINUTE, SECOND};
use super::prompt::CacheMark;

/// Prefixes in the cache and until when they stay.
#[derive(Debug, Default)]
pub(super) struct PromptCache(Mutex<BTreeMap<(String, u64), u64>>);

impl PromptCache {
    /// Splits a prompt of `tokens` into what can be read from the cache, what would be written to it, and the rest.
    pub(super) fn split(&self, model: &str, tokens: u64, marks: &[CacheMark], min_tokens: u64, now: u64) -> InputUsage {
        let mut marks = marks.iter().filter(|mark| mark.tokens >= min_tokens).rev().peekable();
        let Some(last) = marks.peek().copied() else { return InputUsage { plain: tokens, ..InputUsage::default() } };
        let cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |mark: &&CacheMark| cache.get(&(model.to_owned(), mark.hash)).is_some_and(|until| *until > now);
        let read = marks.find(known).map_or(0, |mark| mark.tokens);
        let write = last.tokens.saturating_sub(read);
        InputUsage {
            plain: tokens.saturating_sub(last.tokens),
            cache_read: read,
            cache_write: write,
            cache_write_long: if last.long { write } else { 0 },
        }
    }

    /// Keeps the prefixes of a prompt that was let in.
    pub(super) fn remember(&self, model: &str, marks: &[CacheMark], min_tokens: u64, now: u64) {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cache.retain(|_, until| *until > now);
        for mark in marks.iter().filter(|mark| mark.tokens >= min_tokens) {
            let until = now + if mark.long { 60 * MINUTE } else { 300 * SECOND };
            let kept = cache.entry((model.to_owned(), mark.hash)).or_insert(until);
            *kept = until.max(*kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_written_once_and_read_until_it_is_forgotten() {
        let cache = PromptCache::default();
        let short = CacheMark { hash: 1, tokens: 100, long: false };
        let longer = CacheMark { hash: 2, tokens: 160, long: false };
        // (marks, minutes, read, write, plain)
        for (marks, minute, read, write, plain) in [
            (vec![short], 0, 0, 100, 100),
            (vec![short], 4, 100, 0, 100),
            (vec![short, longer], 8, 100, 60, 40),
            (vec![longer], 12, 160, 0, 40),
            (vec![longer], 18, 0, 160, 40),
            (vec![], 18, 0, 0, 200),
        ] {
            let split = cache.split("m", 200, &marks, 0, minute * MINUTE);
            cache.remember("m", &marks, 0, minute * MINUTE);
            assert_eq!((split.cache_read, split.cache_write, split.plain), (read, write, plain), "minute {minute}");
        }
        assert_eq!(cache.split("m", 200, &[short], 512, 18 * MINUTE).plain, 200, "too short to be cached");
    }
}
