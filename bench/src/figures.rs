//! The numbers of one registry in one row, in the units that are printed.

use std::time::Duration;

use serde::Serialize;

use crate::load::measure::Measured;

/// What one measure found. A number that a measure does not have is absent.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Figures {
    /// Operations that were measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) operations: Option<u64>,
    /// Operations per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) per_second: Option<f64>,
    /// Median of an operation's time in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) p50_ms: Option<f64>,
    /// 99th percentile of an operation's time in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) p99_ms: Option<f64>,
    /// CPU milliseconds of the server process for one operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu_ms: Option<f64>,
    /// CPU milliseconds of the server's database for one operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) database_cpu_ms: Option<f64>,
    /// CPU milliseconds of the benchmark itself, as a client, for one operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_cpu_ms: Option<f64>,
    /// Resident memory of the server process in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_mib: Option<f64>,
    /// What a reader must know about these numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
}

impl Figures {
    /// The same numbers with a remark.
    pub(crate) fn noted(mut self, note: Option<String>) -> Self {
        self.note = note;
        self
    }

    /// Only an amount of memory, in bytes.
    pub(crate) fn memory(bytes: u64) -> Self {
        Self {
            memory_mib: Some(mebibytes(bytes)),
            ..Self::default()
        }
    }

    /// Only times, one for each of a few operations: their median and the longest.
    pub(crate) fn times(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self {
            operations: Some(times.len() as u64),
            p50_ms: times.get(times.len() / 2).map(|time| milliseconds(*time)),
            p99_ms: times.last().map(|time| milliseconds(*time)),
            ..Self::default()
        }
    }
}

impl From<Measured> for Figures {
    fn from(measured: Measured) -> Self {
        let operations = measured.operations.max(1) as f64;
        Self {
            operations: Some(measured.operations),
            per_second: Some(measured.operations as f64 / measured.elapsed.as_secs_f64()),
            p50_ms: Some(milliseconds(measured.p50)),
            p99_ms: Some(milliseconds(measured.p99)),
            // Less than one clock tick says nothing.
            cpu_ms: Some(measured.cpu)
                .filter(|cpu| !cpu.is_zero())
                .map(|cpu| milliseconds(cpu) / operations),
            database_cpu_ms: measured
                .database_cpu
                .map(|cpu| milliseconds(cpu) / operations),
            client_cpu_ms: Some(milliseconds(measured.client_cpu) / operations),
            memory_mib: Some(mebibytes(measured.memory)),
            note: None,
        }
    }
}

/// A duration in milliseconds.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}
