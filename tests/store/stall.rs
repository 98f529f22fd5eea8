//! A disk that takes no writes holds nobody up, is said so, and is got over.

use std::time::Duration;

use rusqlite::Connection;
use tierline::store::{StoreHealth, StoreState};

use crate::history::all_requests;
use crate::made::{Home, NOON, finished, record};

/// Waits until the writer fares as wanted; the test's own time limit is the only one.
fn wait_for(home: &Home, what: &str, wanted: impl Fn(&StoreHealth) -> bool) -> StoreHealth {
    for _ in 0..6_000 {
        let health = home.store.health();
        if wanted(&health) {
            return health;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("never {what}: {:?}", home.store.health());
}

#[test]
fn while_the_disk_stalls_rows_wait_or_are_counted_and_then_it_goes_on() {
    let home = Home::new();
    home.write([finished(&record(1, NOON))]);
    let other = Connection::open(home.dir.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    home.store.write(finished(&record(2, NOON))).unwrap();
    let health = wait_for(&home, "stalled", |health| health.state != StoreState::Ok);
    let StoreState::Stalled(reason) = health.state else { unreachable!() };
    assert!(reason.contains("database is locked"), "{reason}");

    // the queue takes what it can hold and then says no, without waiting
    let refused = (3..=20_000).filter(|id| home.store.write(finished(&record(*id, NOON))).is_err()).count() as u64;
    assert!(refused > 0);
    assert_eq!(home.store.health().dropped, refused);
    let problem = home.store.set_setting("a", "b").unwrap_err();
    assert!(problem.to_string().contains("database is locked"), "{problem}");

    other.execute_batch("ROLLBACK").unwrap();
    let health = wait_for(&home, "recovered", |health| health.state == StoreState::Ok && health.written + health.dropped == 20_000);
    assert_eq!(all_requests(&home.store.reader().unwrap(), None).len() as u64, health.written);
    home.store.set_setting("a", "b").unwrap();
}
