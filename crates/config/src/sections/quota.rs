//! Quota.

use crate::byte_size::ByteSize;
use crate::field::{Mark, section};

section! {
    /// Quota.
    Quota {
        /// Count sizes and enforce quotas.
        FEATURE_QUOTA_MANAGEMENT => feature_quota_management: bool = false;
        /// Quotas can be changed by API and console.
        FEATURE_EDIT_QUOTA => feature_edit_quota: bool = true;
        /// Check the quota at every push.
        FEATURE_VERIFY_QUOTA => feature_verify_quota: bool = true;
        /// A mistake in counting does not fail a push.
        FEATURE_QUOTA_SUPPRESS_FAILURES => feature_quota_suppress_failures: bool = false;
        /// Quota of namespaces that have none of their own; 0 means none.
        DEFAULT_SYSTEM_REJECT_QUOTA_BYTES => default_system_reject_quota_bytes: ByteSize = ByteSize::bytes(0);
        /// Seconds after the start before totals are counted.
        QUOTA_TOTAL_DELAY_SECONDS => quota_total_delay_seconds: u32 = 1800;
        /// Count namespaces from before the feature.
        QUOTA_BACKFILL => quota_backfill: bool = true;
        /// Namespaces counted at once.
        QUOTA_BACKFILL_BATCH_SIZE => quota_backfill_batch_size: u32 = 100, Mark::Undocumented;
        /// Seconds between two rounds of counting.
        QUOTA_BACKFILL_POLL_PERIOD => quota_backfill_poll_period: u32 = 15, Mark::Undocumented;
        /// Count again what was pushed while the feature was off.
        QUOTA_INVALIDATE_TOTALS => quota_invalidate_totals: bool = true;
        /// Seconds between two counts of the whole registry.
        QUOTA_REGISTRY_SIZE_POLL_PERIOD => quota_registry_size_poll_period: u32 = 60, Mark::Undocumented;
        /// Notify namespaces at their thresholds.
        FEATURE_QUOTA_NOTIFICATIONS => feature_quota_notifications: bool = false, Mark::Since("3.18");
        /// Seconds between two such notifications.
        QUOTA_NOTIFICATION_COOLDOWN_SECONDS => quota_notification_cooldown_seconds: u32 = 86_400, Mark::Since("3.18");
        /// Seconds between two rounds of that worker.
        QUOTA_NOTIFICATION_WORKER_POLL_PERIOD => quota_notification_worker_poll_period: u32 = 300, Mark::Since("3.18");
    }
}
