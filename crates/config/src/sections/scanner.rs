//! The security scanner.

use crate::byte_size::ByteSize;
use crate::field::{Mark, choice, section};
use crate::network::HttpUrl;
use crate::secret::Secret;

choice! {
    /// How bad a vulnerability is, worst first.
    Severity {
        /// Critical.
        Critical = "Critical",
        /// High.
        High = "High",
        /// Medium.
        Medium = "Medium",
        /// Low.
        Low = "Low",
        /// Negligible.
        Negligible = "Negligible",
        /// Unknown.
        Unknown = "Unknown",
    }
}

section! {
    /// Security scanner.
    Scanner {
        /// Scan images.
        FEATURE_SECURITY_SCANNER => feature_security_scanner: bool = false;
        /// URL of Clair v4.
        SECURITY_SCANNER_V4_ENDPOINT => security_scanner_v4_endpoint: Option<HttpUrl> = None;
        /// Shared key for requests and callbacks, base64.
        SECURITY_SCANNER_V4_PSK => security_scanner_v4_psk: Option<Secret> = None;
        /// Seconds between two rounds of indexing.
        SECURITY_SCANNER_INDEXING_INTERVAL => security_scanner_indexing_interval: u32 = 30;
        /// Seconds before a failed manifest is tried again.
        SECURITY_SCANNER_V4_REINDEX_THRESHOLD => security_scanner_v4_reindex_threshold: u32 = 300;
        /// Most attempts for one manifest.
        SECURITY_SCANNER_MAX_SCAN_RETRIES => security_scanner_max_scan_retries: u32 = 5;
        /// Submit manifests.
        SECURITY_SCANNER_V4_INDEXING => security_scanner_v4_indexing: bool = true;
        /// Delete reports of manifests that are collected.
        SECURITY_SCANNER_V4_MANIFEST_CLEANUP => security_scanner_v4_manifest_cleanup: bool = true;
        /// Images with a larger layer are not scanned.
        SECURITY_SCANNER_V4_INDEX_MAX_LAYER_SIZE => security_scanner_v4_index_max_layer_size: Option<ByteSize> = None;
        /// Manifests of one round; 0 chooses by the number of manifests.
        SECURITY_SCANNER_V4_BATCH_SIZE => security_scanner_v4_batch_size: u32 = 0, Mark::Undocumented;
        /// Only one node indexes at a time.
        SECURITY_SCANNER_V4_LOCK => security_scanner_v4_lock: bool = false, Mark::Undocumented;
        /// Manifests of one round of the newest ones.
        SECURITY_SCANNER_V4_RECENT_MANIFEST_BATCH_SIZE => security_scanner_v4_recent_manifest_batch_size: u32 = 1000, Mark::Undocumented;
        /// Only one node indexes the newest ones at a time.
        SECURITY_SCANNER_V4_RECENT_MANIFEST_BATCH_LOCK => security_scanner_v4_recent_manifest_batch_lock: bool = false, Mark::Undocumented;
        /// Notify about vulnerabilities.
        FEATURE_SECURITY_NOTIFICATIONS => feature_security_notifications: bool = false;
        /// Notify after the first scan of an image too.
        FEATURE_SECURITY_SCANNER_NOTIFY_ON_NEW_INDEX => feature_security_scanner_notify_on_new_index: bool = true;
        /// Least severity for that.
        NOTIFICATION_MIN_SEVERITY_ON_NEW_INDEX => notification_min_severity_on_new_index: Severity = Severity::High;
        /// Newer worker that indexes from a queue.
        FEATURE_SECURITY_SCANNER_V2 => feature_security_scanner_v2: bool = false, Mark::Since("3.18");
        /// Seconds between two rounds of it.
        SECURITY_SCANNER_V2_INDEXING_INTERVAL => security_scanner_v2_indexing_interval: u32 = 30, Mark::Since("3.18");
        /// Manifests of one round of it.
        SECURITY_SCANNER_V2_BATCH_SIZE => security_scanner_v2_batch_size: u32 = 50, Mark::Since("3.18");
    }
}
