//! What a process has used: CPU time and memory, read from `/proc` (proc(5)).
//!
//! `/proc/PID/stat` counts the CPU time of all threads, those that have ended included. The kernel
//! derives it from the scheduler's exact run times but reports it in clock ticks (usually 10 ms),
//! so a measure must last many ticks.

use std::fs;
use std::time::Duration;

use crate::error::{Doing as _, Error};

/// Fields of `/proc/PID/stat` after the command name, which may itself hold spaces and brackets.
/// proc(5) counts from one and names the state field 3.
struct Stat {
    path: String,
    fields: Vec<String>,
}

impl Stat {
    fn read(pid: u32) -> Result<Self, Error> {
        let path = format!("/proc/{pid}/stat");
        let text = fs::read_to_string(&path).doing(|| format!("read {path}"))?;
        Ok(Self::parse(path, &text))
    }

    fn parse(path: String, text: &str) -> Self {
        let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
        let fields = rest.split_ascii_whitespace().map(str::to_owned).collect();
        Self { path, fields }
    }

    fn field(&self, number: usize, name: &'static str) -> Result<u64, Error> {
        self.fields
            .get(number - 3)
            .and_then(|value| value.parse().ok())
            .ok_or_else(|| Error::Proc {
                path: self.path.clone(),
                field: name,
            })
    }

    fn own_ticks(&self) -> Result<u64, Error> {
        Ok(self.field(14, "utime")? + self.field(15, "stime")?)
    }

    fn ended_children_ticks(&self) -> Result<u64, Error> {
        Ok(self.field(16, "cutime")? + self.field(17, "cstime")?)
    }
}

/// User and system CPU time of a process since its start, over all its threads.
pub(crate) fn cpu(pid: u32) -> Result<Duration, Error> {
    Stat::read(pid)?.own_ticks().map(ticks)
}

/// The same for a process together with its children, living and ended: a PostgreSQL postmaster
/// does its work in children.
pub(crate) fn cpu_with_children(pid: u32) -> Result<Duration, Error> {
    let parent = Stat::read(pid)?;
    let mut sum = parent.own_ticks()? + parent.ended_children_ticks()?;
    for entry in fs::read_dir("/proc").doing(|| "list /proc".to_owned())? {
        let name = entry.doing(|| "list /proc".to_owned())?.file_name();
        let Some(child) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // A process may end between the listing and the reading.
        let Ok(stat) = Stat::read(child) else {
            continue;
        };
        if stat.field(4, "ppid")? == u64::from(pid) {
            sum += stat.own_ticks()?;
        }
    }
    Ok(ticks(sum))
}

fn ticks(count: u64) -> Duration {
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Duration::from_nanos(count.saturating_mul(1_000_000_000 / per_second))
}

/// Resident memory of a process in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Resident now.
    pub(crate) now: u64,
    /// The most that was ever resident.
    pub(crate) peak: u64,
}

/// Reads `VmRSS` and `VmHWM`.
pub(crate) fn memory(pid: u32) -> Result<Memory, Error> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).doing(|| format!("read {path}"))?;
    let field = |name: &'static str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name))
            .and_then(|rest| rest.split_ascii_whitespace().next())
            .and_then(|number| number.parse::<u64>().ok())
            .map(|kib| kib * 1024)
            .ok_or_else(|| Error::Proc {
                path: path.clone(),
                field: name,
            })
    };
    Ok(Memory {
        now: field("VmRSS:")?,
        peak: field("VmHWM:")?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::hint::black_box;
    use std::process;

    use super::*;

    #[test]
    fn a_command_name_with_brackets_does_not_shift_the_fields() {
        let line = "7 (a) b) S 1 7 7 0 -1 4194560 10 20 0 0 31 12 5 6 20 0 3 0";
        let stat = Stat::parse("test".to_owned(), line);
        assert_eq!(stat.field(4, "ppid").unwrap(), 1);
        assert_eq!(stat.own_ticks().unwrap(), 43);
        assert_eq!(stat.ended_children_ticks().unwrap(), 11);
    }

    #[test]
    fn cpu_time_of_this_process_grows_when_it_works() {
        let before = cpu(process::id()).unwrap();
        let mut number = 1_u64;
        while cpu(process::id()).unwrap() == before {
            for step in 0..100_000 {
                number = black_box(number.wrapping_mul(31).wrapping_add(step));
            }
        }
        assert!(cpu(process::id()).unwrap() > before);
    }

    #[test]
    fn memory_peak_is_at_least_what_is_resident() {
        let memory = memory(process::id()).unwrap();
        assert!(memory.now > 0);
        assert!(memory.peak >= memory.now);
    }
}
