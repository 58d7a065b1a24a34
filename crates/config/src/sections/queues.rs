//! Work queues and internals.

use crate::field::{Mark, section};
use crate::secret::Secret;

section! {
    /// Work queues and internals.
    Queues {
        /// Name of the queue of notifications.
        NOTIFICATION_QUEUE_NAME => notification_queue_name: String = "notification".into();
        /// Name of the queue of builds.
        DOCKERFILE_BUILD_QUEUE_NAME => dockerfile_build_queue_name: String = "dockerfilebuild".into();
        /// Name of the queue of blobs to replicate.
        REPLICATION_QUEUE_NAME => replication_queue_name: String = "imagestoragereplication".into();
        /// Name of the queue of Swift segments to delete.
        CHUNK_CLEANUP_QUEUE_NAME => chunk_cleanup_queue_name: String = "chunk_cleanup".into();
        /// Name of the queue of deleted namespaces.
        NAMESPACE_GC_QUEUE_NAME => namespace_gc_queue_name: String = "namespacegc".into();
        /// Name of the queue of deleted repositories.
        REPOSITORY_GC_QUEUE_NAME => repository_gc_queue_name: String = "repositorygc".into();
        /// Name of the queue of log exports.
        EXPORT_ACTION_LOGS_QUEUE_NAME => export_action_logs_queue_name: String = "exportactionlogs".into();
        /// Name of the queue of the scanner's notifications.
        SECSCAN_V4_NOTIFICATION_QUEUE_NAME => secscan_v4_notification_queue_name: String = "secscanv4".into();
        /// Seconds between two cleanups of the queues.
        QUEUE_CLEANUP_FREQUENCY => queue_cleanup_frequency: u32 = 86_400;
        /// Where metrics of queues go.
        QUEUE_METRICS_TYPE => queue_metrics_type: String = "Null".into(), Mark::Ignored("metrics of queues are always exported");
        /// Seconds between two refreshes of the metrics of queues.
        QUEUE_WORKER_METRICS_REFRESH_SECONDS => queue_worker_metrics_refresh_seconds: u32 = 300;
        /// Workers start after a random delay.
        STAGGER_WORKERS => stagger_workers: bool = true;
        /// Key of page tokens, url-safe base64 of 32 bytes; Quay's default is public.
        PAGE_TOKEN_KEY => page_token_key: Secret = "0OYrc16oBuksR8T3JGB-xxYSlZ2-7I_zzqrLzggBJ58=".into();
    }
}
