//! The `process_*` metrics every Prometheus client exports, read from `/proc` when somebody asks.

use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use rustix::process::{Resource, getrlimit};

/// Clock ticks per second in `/proc`: fixed for user space on Linux.
const TICKS: f64 = 100.0;
/// Bytes in the unit of `/proc/self/status`.
const STATUS_UNIT: f64 = 1024.0;

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Process;

/// What `/proc` says now.
#[derive(Debug, PartialEq)]
struct Usage {
    cpu_seconds: f64,
    start_seconds: f64,
    resident_bytes: f64,
    virtual_bytes: f64,
    open_files: f64,
}

impl Usage {
    /// `None` where `/proc` is not mounted: then the metrics are missing instead of wrong.
    fn now() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The second field is the program's name in parentheses, which may hold anything.
        let fields: Vec<_> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let ticks = |field: usize| fields.get(field)?.parse::<f64>().ok();
        let boot = fs::read_to_string("/proc/stat").ok()?;
        let boot: f64 = boot
            .lines()
            .find_map(|line| line.strip_prefix("btime "))?
            .trim()
            .parse()
            .ok()?;
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let kilobytes = |name: &str| -> Option<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':')
                .trim()
                .strip_suffix(" kB")?
                .parse()
                .ok()
        };
        Some(Self {
            cpu_seconds: (ticks(11)? + ticks(12)?) / TICKS,
            start_seconds: boot + ticks(19)? / TICKS,
            resident_bytes: kilobytes("VmRSS")? * STATUS_UNIT,
            virtual_bytes: kilobytes("VmSize")? * STATUS_UNIT,
            // One of them is the folder being read.
            open_files: fs::read_dir("/proc/self/fd")
                .ok()?
                .count()
                .saturating_sub(1) as f64,
        })
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(usage) = Usage::now() else {
            return Ok(());
        };
        let cpu = ConstCounter::new(usage.cpu_seconds);
        let help = "Total user and system CPU time spent in seconds";
        cpu.encode(encoder.encode_descriptor(
            "process_cpu_seconds",
            help,
            None,
            cpu.metric_type(),
        )?)?;
        let mut gauge = |name: &str, help: &str, value: f64| {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        gauge(
            "process_start_time_seconds",
            "Start time of the process since the epoch",
            usage.start_seconds,
        )?;
        gauge(
            "process_resident_memory_bytes",
            "Resident memory size in bytes",
            usage.resident_bytes,
        )?;
        gauge(
            "process_virtual_memory_bytes",
            "Virtual memory size in bytes",
            usage.virtual_bytes,
        )?;
        gauge(
            "process_open_fds",
            "Number of open file descriptors",
            usage.open_files,
        )?;
        if let Some(most) = getrlimit(Resource::Nofile).current {
            gauge(
                "process_max_fds",
                "Maximum number of open file descriptors",
                most as f64,
            )?;
        }
        Ok(())
    }
}
