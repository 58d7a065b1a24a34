//! Where a run took place: numbers of different machines are not comparable.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

/// The machine, and where the registries kept their data.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    /// Model name of the processor.
    pub(crate) processor: String,
    /// Processors that this process may use.
    pub(crate) processors: usize,
    /// Kernel release.
    pub(crate) kernel: String,
    /// File system type of the data folder.
    pub(crate) file_system: String,
    /// Start of the run in seconds since 1970.
    pub(crate) started: u64,
}

impl Machine {
    /// This machine. What cannot be found out is `unknown`.
    pub(crate) fn here(dir: &Path) -> Self {
        let unknown = || "unknown".to_owned();
        let processor = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        });
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")
            .map(|text| text.trim().to_owned())
            .ok();
        Self {
            processor: processor.unwrap_or_else(unknown),
            processors: thread::available_parallelism().map_or(0, usize::from),
            kernel: kernel.unwrap_or_else(unknown),
            file_system: file_system(dir).unwrap_or_else(unknown),
            started: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |time| time.as_secs()),
        }
    }
}

/// Type of the mount that holds a folder: the longest mount point that begins its path.
fn file_system(dir: &Path) -> Option<String> {
    let dir = fs::canonicalize(dir).ok()?;
    let mounts = fs::read_to_string("/proc/mounts").ok()?;
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            Some((fields.next()?, fields.next()?))
        })
        .filter(|(point, _)| dir.starts_with(point))
        .max_by_key(|(point, _)| point.len())
        .map(|(_, kind)| kind.to_owned())
}
