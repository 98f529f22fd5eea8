//! Any text is a delay of believable length, or none.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use tierline_fuzz::now;
use tierline_fuzz::provider::delay;

fuzz_target!(|text: &str| {
    let lower = text.to_lowercase();
    for length in [delay::duration(text), delay::millis(text), delay::retry_after(text, now()), delay::in_prose(&lower)] {
        assert!(length.is_none_or(|length| length <= delay::LONGEST), "{length:?}");
    }
    if let Some(length) = delay::duration(text) {
        // what a bare number means in milliseconds is a thousandth of what it means in seconds
        let fine = delay::millis(text).is_none_or(|millis| millis.abs_diff(length / 1000) <= Duration::from_nanos(1));
        assert!(fine, "{length:?}");
    }
    let _ = (delay::moment(text, now()), delay::http_date(text), delay::date_in_prose(&lower));
});
