//! `tierline bench goodput`: in virtual time, and over real sockets.

use serde_json::Value;

use crate::home::Home;

/// The lines of JSON that a command printed.
fn lines(home: &Home, line: &str) -> Vec<Value> {
    home.run(line).done().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_case_stands_beside_what_others_do() {
    let rows = lines(&Home::new(), "bench goodput --seeds 1 --json");
    let own: Vec<&Value> = rows.iter().filter(|row| row["client"] == "tierline").collect();
    for level in ["L1", "L2", "L3", "L4", "L5"] {
        assert!(own.iter().any(|row| row["case"].as_str().unwrap().starts_with(level)), "{level} is missing");
    }
    for row in &own {
        let efficiency = row["efficiency"].as_f64().unwrap();
        assert!(efficiency > 0.5 && efficiency < 1.02 && row["failed"] == 0 && row["demanded"] != "", "{row}");
        let others = rows.iter().filter(|other| other["case"] == row["case"] && other["client"] != "tierline");
        assert_eq!(others.count(), 4, "{row}");
    }
    let costs: Vec<&Value> = rows.iter().filter(|row| row["unit"].is_string()).collect();
    assert!(costs.len() >= 3 && costs.iter().all(|cost| cost["p50"].as_f64() <= cost["p99"].as_f64()), "{costs:?}");
}

#[test]
fn over_real_sockets_everybody_is_served_and_nothing_is_left_behind() {
    let home = Home::new();
    let rows = lines(&home, "bench goodput --real --requests 12 --json");
    let own = rows.iter().find(|row| row["client"] == "tierline").unwrap();
    assert_eq!((&own["requests"], &own["refused"], &own["failed"]), (&12.into(), &0.into(), &0.into()), "{own}");
    assert_eq!(rows.iter().filter(|row| row["case"].is_string()).count(), 5, "{rows:?}");
    assert_eq!(std::fs::read_dir(home.data()).map_or(0, Iterator::count), 0, "its folder is gone");
    assert_eq!(home.run("bench goodput --requests 12").status.code(), Some(2), "requests are of --real");
}
