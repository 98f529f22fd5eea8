//! Runs a test under many schedules.
//!
//! A failing schedule is printed, and `SCHEDULE=... cargo test ... NAME` runs it again. `SCHEDULES=100000` explores more of them, and
//! `SEED=n` others.

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Schedule, Scheduler, Task, TaskId};
use shuttle::{Config, MaxSteps, Runner};

/// When time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// When nobody has anything else to do: everything happens at the very moment it can.
    Last,
    /// When the scheduler likes: everybody may be late.
    Whenever,
}

/// Which task must call [`time::pass`](crate::time::pass): the first that a test starts.
const PASSES_TIME: usize = 1;

/// Runs `test` under as many schedules, half of them random, half by changing priorities at few places.
pub fn explore(schedules: usize, time: Time, test: fn()) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<usize>().ok());
    let schedules = number("SCHEDULES").unwrap_or(schedules);
    let seed = number("SEED").unwrap_or(1) as u64;
    let mut config = Config::new();
    config.stack_size = 0x8_0000; // of each task; a debug build of the core needs more than the default
    config.max_steps = MaxSteps::FailAfter(100_000);
    if let Ok(schedule) = std::env::var("SCHEDULE") {
        Runner::new(ReplayScheduler::new_from_encoded(&schedule), config).run(test);
        return;
    }
    Runner::new(Timed { time, by: RandomScheduler::new_from_seed(seed, schedules / 2) }, config.clone()).run(test);
    Runner::new(Timed { time, by: PctScheduler::new_from_seed(seed, 4, schedules / 2) }, config).run(test);
}

/// Another scheduler that passes time when it is its turn.
struct Timed<S> {
    time: Time,
    by: S,
}

impl<S: Scheduler> Scheduler for Timed<S> {
    fn new_execution(&mut self) -> Option<Schedule> {
        self.by.new_execution()
    }

    fn next_task(&mut self, runnable: &[&Task], current: Option<TaskId>, is_yielding: bool) -> Option<TaskId> {
        let busy: Vec<&Task> = runnable.iter().copied().filter(|task| task.id() != TaskId::from(PASSES_TIME)).collect();
        if self.time == Time::Last && !busy.is_empty() {
            return self.by.next_task(&busy, current, is_yielding);
        }
        self.by.next_task(runnable, current, is_yielding)
    }

    fn next_u64(&mut self) -> u64 {
        self.by.next_u64()
    }
}
