//! Random choices that a seed decides: SplitMix64 on an atomic, so that requests do not wait for each other.

use std::sync::atomic::{AtomicU64, Ordering};

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A source of random numbers.
#[derive(Debug)]
pub(super) struct Rng(AtomicU64);

impl Rng {
    pub(super) const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    pub(super) fn next(&self) -> u64 {
        let mut z = self.0.fetch_add(GOLDEN, Ordering::Relaxed).wrapping_add(GOLDEN);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `bound`; zero if that is zero. The bias of the modulus does not matter for small bounds.
    pub(super) fn below(&self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next() % bound }
    }

    /// True once in `1 / rate` times.
    pub(super) fn chance(&self, rate: f64) -> bool {
        let [a, b, c, d, ..] = self.next().to_le_bytes();
        f64::from(u32::from_le_bytes([a, b, c, d])) < rate * 4_294_967_296.0
    }

    /// `middle`, up or down by up to `percent` of it.
    pub(super) fn around(&self, middle: u64, percent: u8) -> u64 {
        let reach = middle.saturating_mul(u64::from(percent)) / 100;
        if reach == 0 { middle } else { (middle + self.below(reach * 2 + 1)).saturating_sub(reach) }
    }

    /// Puts items into another order.
    pub(super) fn shuffle<T>(&self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = usize::try_from(self.below(last as u64 + 1)).unwrap_or(0);
            items.swap(last, other);
        }
    }

    /// Letters and digits for an id, after `prefix`.
    pub(super) fn id(&self, prefix: &str, length: usize) -> String {
        let mut id = String::with_capacity(prefix.len() + length);
        id.push_str(prefix);
        let mut bits = 0;
        for place in 0..length {
            if place % 10 == 0 {
                bits = self.next(); // ten digits of base 62 fit into 64 bits
            }
            id.push(char::from(usize::try_from(bits % 62).ok().and_then(|i| ALPHABET.get(i)).copied().unwrap_or(b'0')));
            bits /= 62;
        }
        id
    }

    /// 32 hexadecimal digits.
    pub(super) fn hex(&self) -> String {
        format!("{:016x}{:016x}", self.next(), self.next())
    }

    /// A version 4 UUID.
    pub(super) fn uuid(&self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            0x8000 | ((b >> 48) & 0x3fff),
            b & 0xffff_ffff_ffff
        )
    }
}
