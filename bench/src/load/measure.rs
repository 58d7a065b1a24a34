//! Runs one operation over and over on a number of connections, bounded in count and time, and
//! reads the server's clocks around it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Barrier, Mutex};
use std::time::{Duration, Instant};
use std::{process, thread};

use crate::error::Error;
use crate::interrupt;
use crate::process::usage;

/// A measure that does not reach its minimum of operations ends after this time all the same.
const LONGEST: Duration = Duration::from_mins(2);

/// The bounds of one measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Connections, each with one operation at a time.
    pub(crate) connections: usize,
    /// Length of the warm-up; every connection does at least one operation in it.
    pub(crate) warm_up: Duration,
    /// Length of the measure.
    pub(crate) duration: Duration,
    /// The measure goes on until this many operations are done.
    pub(crate) at_least: u64,
    /// The measure ends after this many operations.
    pub(crate) at_most: u64,
    /// Pause before the server's clocks are read for the second time.
    pub(crate) settle: Duration,
}

/// Clocks and memory of the server that is measured.
pub(crate) trait Meter: Sync {
    /// CPU time that the server process has used.
    fn cpu(&self) -> Result<Duration, Error>;
    /// CPU time that the server's database has used, where it has one.
    fn database_cpu(&self) -> Result<Option<Duration>, Error>;
    /// Resident memory of the server process in bytes.
    fn memory(&self) -> Result<u64, Error>;
}

/// What a measure found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// Operations done.
    pub(crate) operations: u64,
    /// Time that they took together.
    pub(crate) elapsed: Duration,
    /// Median time of one operation.
    pub(crate) p50: Duration,
    /// 99th percentile of the time of one operation.
    pub(crate) p99: Duration,
    /// CPU time of the server process for all of them.
    pub(crate) cpu: Duration,
    /// CPU time of the server's database for all of them.
    pub(crate) database_cpu: Option<Duration>,
    /// CPU time of the benchmark itself, as a client, for all of them.
    pub(crate) client_cpu: Duration,
    /// Resident memory of the server process after it, in bytes.
    pub(crate) memory: u64,
}

/// State that the connections of a measure share.
struct Shared {
    bounds: Bounds,
    /// All connections meet here before and after the clocks are read.
    line: Barrier,
    failed: AtomicBool,
    started: AtomicU64,
    finished: AtomicU64,
    failure: Mutex<Option<Error>>,
}

impl Shared {
    fn fail(&self, error: Error) {
        self.failed.store(true, Ordering::Relaxed);
        // A poisoned lock means that another connection panicked; that ends the run anyway.
        if let Ok(mut failure) = self.failure.lock() {
            failure.get_or_insert(error);
        }
    }

    fn may_go_on(&self, begun: Instant) -> bool {
        let elapsed = begun.elapsed();
        let enough = elapsed >= self.bounds.duration
            && self.finished.load(Ordering::Relaxed) >= self.bounds.at_least;
        !enough
            && elapsed < LONGEST
            && !self.failed.load(Ordering::Relaxed)
            && self.started.fetch_add(1, Ordering::Relaxed) < self.bounds.at_most
    }
}

/// Measures `operation`. `open` makes the state of one connection, and `operation` gets a number
/// that grows by one with every operation of that connection.
pub(crate) fn measure<W>(
    bounds: Bounds,
    meter: &dyn Meter,
    open: impl Fn() -> Result<W, Error> + Sync,
    operation: impl Fn(&mut W, u64) -> Result<(), Error> + Sync,
) -> Result<Measured, Error> {
    let shared = Shared {
        bounds,
        line: Barrier::new(bounds.connections + 1),
        failed: AtomicBool::new(false),
        started: AtomicU64::new(0),
        finished: AtomicU64::new(0),
        failure: Mutex::new(None),
    };
    let (mut times, elapsed, before, database_before, client_cpu) = thread::scope(|scope| {
        let workers: Vec<_> = (0..bounds.connections)
            .map(|_| scope.spawn(|| work(&shared, &open, &operation)))
            .collect();
        shared.line.wait();
        let before = meter.cpu();
        let database_before = meter.database_cpu();
        let client_before = usage::cpu(process::id());
        let begun = Instant::now();
        shared.line.wait();
        let mut times = Vec::new();
        for worker in workers {
            match worker.join() {
                Ok(part) => times.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        let elapsed = begun.elapsed();
        let client_cpu =
            usage::cpu(process::id()).and_then(|after| Ok(after.saturating_sub(client_before?)));
        (times, elapsed, before, database_before, client_cpu)
    });
    if let Ok(Some(error)) = shared.failure.into_inner() {
        return Err(error);
    }
    thread::sleep(bounds.settle);
    let cpu = meter.cpu()?.saturating_sub(before?);
    let database_cpu = match (meter.database_cpu()?, database_before?) {
        (Some(after), Some(before)) => Some(after.saturating_sub(before)),
        _ => None,
    };
    times.sort_unstable();
    Ok(Measured {
        operations: times.len() as u64,
        elapsed,
        p50: percentile(&times, 50),
        p99: percentile(&times, 99),
        cpu,
        database_cpu,
        client_cpu: client_cpu?,
        memory: meter.memory()?,
    })
}

/// The life of one connection; returns the time of each measured operation.
fn work<W>(
    shared: &Shared,
    open: &(impl Fn() -> Result<W, Error> + Sync),
    operation: &(impl Fn(&mut W, u64) -> Result<(), Error> + Sync),
) -> Vec<Duration> {
    let mut number = 0;
    let mut warm_up = || -> Result<W, Error> {
        let mut state = open()?;
        let begun = Instant::now();
        loop {
            interrupt::check()?;
            operation(&mut state, number)?;
            number += 1;
            if begun.elapsed() >= shared.bounds.warm_up || shared.failed.load(Ordering::Relaxed) {
                return Ok(state);
            }
        }
    };
    let state = warm_up().map_err(|error| shared.fail(error)).ok();
    shared.line.wait();
    shared.line.wait();
    let begun = Instant::now();
    let mut times = Vec::with_capacity(64 * 1024);
    let Some(mut state) = state else {
        return times;
    };
    while shared.may_go_on(begun) {
        let start = Instant::now();
        if let Err(error) = interrupt::check().and_then(|()| operation(&mut state, number)) {
            shared.fail(error);
            break;
        }
        times.push(start.elapsed());
        shared.finished.fetch_add(1, Ordering::Relaxed);
        number += 1;
    }
    times
}

/// The value below which `percent` of the sorted values lie (nearest rank).
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    struct Clock(AtomicU64);

    impl Meter for Clock {
        fn cpu(&self) -> Result<Duration, Error> {
            Ok(Duration::from_millis(self.0.load(Ordering::SeqCst)))
        }
        fn database_cpu(&self) -> Result<Option<Duration>, Error> {
            Ok(None)
        }
        fn memory(&self) -> Result<u64, Error> {
            Ok(1)
        }
    }

    fn bounds(connections: usize, operations: u64) -> Bounds {
        Bounds {
            connections,
            warm_up: Duration::ZERO,
            duration: Duration::ZERO,
            at_least: operations,
            at_most: operations,
            settle: Duration::ZERO,
        }
    }

    #[test]
    fn only_operations_after_the_warm_up_are_counted_and_charged() {
        let clock = Clock(AtomicU64::new(0));
        let measured = measure(
            bounds(4, 100),
            &clock,
            || Ok(()),
            |(), _| {
                clock.0.fetch_add(2, Ordering::SeqCst);
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(measured.operations, 100);
        assert_eq!(measured.cpu, Duration::from_millis(200));
        assert_eq!(clock.0.load(Ordering::SeqCst), 208);
    }

    #[test]
    fn one_failing_connection_ends_the_measure_of_all() {
        let clock = Clock(AtomicU64::new(0));
        let connections = AtomicU64::new(0);
        let endless = Bounds {
            at_least: u64::MAX,
            at_most: u64::MAX,
            ..bounds(3, 0)
        };
        let result = measure(
            endless,
            &clock,
            || Ok(connections.fetch_add(1, Ordering::Relaxed)),
            |connection, number| {
                if *connection == 1 && number == 5 {
                    return Err(Error::Http {
                        target: "here".to_owned(),
                        problem: "broken".to_owned(),
                    });
                }
                Ok(())
            },
        );
        assert!(matches!(result, Err(Error::Http { problem, .. }) if problem == "broken"));
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 50), Duration::from_millis(100));
        assert_eq!(percentile(&times, 99), Duration::from_millis(198));
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }
}
