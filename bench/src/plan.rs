//! How much of everything one run does: sizes, counts and times, all of them bounded.

use std::time::Duration;

use crate::arguments::Arguments;

/// The bounds of one run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Whether this is the smoke run, whose numbers mean nothing.
    pub(crate) quick: bool,
    /// Client connections of an ordinary measure.
    pub(crate) connections: usize,
    /// Length of a measure after its warm-up.
    pub(crate) duration: Duration,
    /// Length of the warm-up.
    pub(crate) warm_up: Duration,
    /// Pause between the last answer and reading the server's CPU clock, so that work that the
    /// server put off (counters, audit rows) is charged to the operations that caused it.
    pub(crate) settle: Duration,
    /// Transfers of a big blob in one round, at least.
    pub(crate) big_transfers: u64,
    /// Rounds of the rows of big blobs.
    pub(crate) rounds: u32,
    /// Bytes of the blobs of the blob rows: small, middle, big.
    pub(crate) blob_sizes: [u64; 3],
    /// Tags in the repositories of the manifest rows.
    pub(crate) tag_counts: Vec<u32>,
    /// Tags in the repository of the listing rows.
    pub(crate) listed_tags: u32,
    /// Different blobs or images that readers walk over.
    pub(crate) different: usize,
    /// Whether the disk is prepared before rows that write.
    pub(crate) prepare: bool,
    /// Images that are in the repository before the "1000th image" row.
    pub(crate) images_before: u32,
    /// Tags in PostgreSQL for the start row.
    pub(crate) database_tags: u32,
    /// Starts in each start row.
    pub(crate) starts: u32,
    /// Time after which filling a peer's repository is given up.
    pub(crate) peer_fill: Duration,
    /// The same for Pierhead.
    pub(crate) own_fill: Duration,
    /// Substrings of row ids to run; empty means all.
    pub(crate) only: Vec<String>,
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

impl Plan {
    /// The bounds that the command line asks for.
    pub(crate) fn new(arguments: &Arguments) -> Self {
        let mut plan = if arguments.quick {
            Self::quick()
        } else {
            Self::full()
        };
        plan.connections = usize::from(arguments.connections);
        plan.only.clone_from(&arguments.only);
        if let Some(seconds) = arguments.seconds.filter(|seconds| *seconds > 0.0) {
            plan.duration = Duration::from_secs_f64(seconds.min(600.0));
        }
        if !arguments.tags.is_empty() {
            plan.tag_counts = arguments.tags.iter().map(|count| (*count).max(1)).collect();
            plan.tag_counts.sort_unstable();
            plan.tag_counts.dedup();
        }
        if let Some(count) = arguments.list_tags {
            plan.listed_tags = count.max(1);
        }
        if let Some(count) = arguments.database_tags {
            plan.database_tags = count;
        }
        if let Some(seconds) = arguments.fill_seconds {
            plan.peer_fill = Duration::from_secs(seconds);
            plan.own_fill = Duration::from_secs(seconds.saturating_mul(10));
        }
        plan
    }

    fn full() -> Self {
        Self {
            quick: false,
            connections: 8,
            duration: Duration::from_secs(2),
            warm_up: Duration::from_millis(500),
            settle: Duration::from_millis(300),
            big_transfers: 3,
            rounds: 5,
            blob_sizes: [KIB, MIB, 100 * MIB],
            tag_counts: vec![1, 500, 100_000],
            listed_tags: 10_000,
            different: 16,
            prepare: true,
            images_before: 1000,
            database_tags: 1_000_000,
            starts: 5,
            peer_fill: Duration::from_mins(1),
            own_fill: Duration::from_mins(10),
            only: Vec::new(),
        }
    }

    fn quick() -> Self {
        Self {
            quick: true,
            duration: Duration::from_millis(100),
            warm_up: Duration::from_millis(20),
            settle: Duration::from_millis(20),
            big_transfers: 2,
            rounds: 1,
            blob_sizes: [KIB, 64 * KIB, 4 * MIB],
            tag_counts: vec![1, 20],
            listed_tags: 120,
            different: 4,
            prepare: false,
            images_before: 10,
            database_tags: 2000,
            starts: 1,
            peer_fill: Duration::from_secs(5),
            own_fill: Duration::from_secs(5),
            ..Self::full()
        }
    }

    /// Whether the person asked for the row with this id.
    pub(crate) fn wants(&self, id: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| id.contains(part.as_str()))
    }
}

/// A byte count as people write it: `1 KiB`, `100 MiB`.
pub(crate) fn size_label(bytes: u64) -> String {
    if bytes >= MIB && bytes.is_multiple_of(MIB) {
        format!("{} MiB", bytes / MIB)
    } else if bytes >= KIB && bytes.is_multiple_of(KIB) {
        format!("{} KiB", bytes / KIB)
    } else {
        format!("{bytes} B")
    }
}

/// A count as people write it in row ids: `500`, `100k`, `1M`.
pub(crate) fn count_label(count: u32) -> String {
    if count >= 1_000_000 && count.is_multiple_of(1_000_000) {
        format!("{}M", count / 1_000_000)
    } else if count >= 1000 && count.is_multiple_of(1000) {
        format!("{}k", count / 1000)
    } else {
        count.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_counts_read_as_people_write_them() {
        assert_eq!(size_label(1024), "1 KiB");
        assert_eq!(size_label(100 * MIB), "100 MiB");
        assert_eq!(size_label(1500), "1500 B");
        assert_eq!(count_label(500), "500");
        assert_eq!(count_label(100_000), "100k");
        assert_eq!(count_label(1_000_000), "1M");
    }

    #[test]
    fn only_selects_rows_by_part_of_their_id() {
        let mut plan = Plan::quick();
        assert!(plan.wants("token/anonymous"));
        plan.only = vec!["manifest".to_owned()];
        assert!(plan.wants("manifest-tag/500"));
        assert!(!plan.wants("token/anonymous"));
    }
}
