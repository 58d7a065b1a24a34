//! Audit logs, their rotation and export.

use crate::duration::Duration;
use crate::field::{Mark, choice, section};
use crate::log_store::LogsModelConfig;

choice! {
    /// Where audit logs are kept.
    LogsModel {
        /// In the database.
        Database = "database",
        /// Reads both, writes Elasticsearch.
        Transition = "transition_reads_both_writes_es",
        /// In Elasticsearch.
        Elasticsearch = "elasticsearch",
        /// In Splunk.
        Splunk = "splunk",
    }
}

section! {
    /// Audit logs, rotation and export.
    Logs {
        /// Where audit logs are kept.
        LOGS_MODEL => logs_model: LogsModel = LogsModel::Database;
        /// Settings of that place.
        LOGS_MODEL_CONFIG => logs_model_config: LogsModelConfig = LogsModelConfig::default();
        /// Log sign-in and sign-out.
        ACTION_LOG_AUDIT_LOGINS => action_log_audit_logins: bool = true;
        /// Log failed sign-ins.
        ACTION_LOG_AUDIT_LOGIN_FAILURES => action_log_audit_login_failures: bool = false;
        /// Log failed pulls.
        ACTION_LOG_AUDIT_PULL_FAILURES => action_log_audit_pull_failures: bool = false;
        /// Log failed pushes.
        ACTION_LOG_AUDIT_PUSH_FAILURES => action_log_audit_push_failures: bool = false;
        /// Log failed deletions of tags.
        ACTION_LOG_AUDIT_DELETE_FAILURES => action_log_audit_delete_failures: bool = false;
        /// A pull succeeds although its log entry cannot be written.
        ALLOW_PULLS_WITHOUT_STRICT_LOGGING => allow_pulls_without_strict_logging: bool = false;
        /// Every action succeeds although its log entry cannot be written.
        ALLOW_WITHOUT_STRICT_LOGGING => allow_without_strict_logging: bool = false;
        /// Namespaces without logs.
        DISABLED_FOR_AUDIT_LOGS => disabled_for_audit_logs: Vec<String> = Vec::new(), Mark::Undocumented;
        /// Namespaces without logs of pulls.
        DISABLED_FOR_PULL_LOGS => disabled_for_pull_logs: Vec<String> = Vec::new(), Mark::Undocumented;
        /// Namespaces without a billing account have no logs of pulls.
        FEATURE_DISABLE_PULL_LOGS_FOR_FREE_NAMESPACES => feature_disable_pull_logs_for_free_namespaces: bool = false, Mark::Undocumented;
        /// Move old logs to storage.
        FEATURE_ACTION_LOG_ROTATION => feature_action_log_rotation: bool = false;
        /// Age at which logs are moved.
        ACTION_LOG_ROTATION_THRESHOLD => action_log_rotation_threshold: Duration = Duration::days(30);
        /// Seconds between two rounds of that worker.
        ACTION_LOG_ROTATION_FREQUENCY => action_log_rotation_frequency: u32 = 43_200, Mark::Undocumented;
        /// Least age at which logs may be moved.
        MINIMUM_LOGS_AGE_FOR_ARCHIVE => minimum_logs_age_for_archive: Duration = Duration::days(7), Mark::Undocumented;
        /// Storage location of old logs.
        ACTION_LOG_ARCHIVE_LOCATION => action_log_archive_location: String = "local_us".into();
        /// Folder of old logs.
        ACTION_LOG_ARCHIVE_PATH => action_log_archive_path: String = "actionlogarchive/".into();
        /// Most pages of a list of logs.
        ACTION_LOG_MAX_PAGE => action_log_max_page: Option<u32> = None, Mark::Undocumented;
        /// Logs can be exported.
        FEATURE_LOG_EXPORT => feature_log_export: bool = true;
        /// Folder of exported logs.
        EXPORT_ACTION_LOGS_STORAGE_PATH => export_action_logs_storage_path: String = "exportedactionlogs".into(), Mark::Undocumented;
        /// Seconds between two rounds of the export worker.
        EXPORT_ACTION_LOGS_WORKER_POLL_PERIOD => export_action_logs_worker_poll_period: u32 = 60, Mark::Undocumented;
        /// Seconds that one export may take.
        EXPORT_ACTION_LOGS_MAXIMUM_SECONDS => export_action_logs_maximum_seconds: u32 = 7200, Mark::Undocumented;
        /// Seconds that one query of an export may take.
        EXPORT_ACTION_LOGS_MAXIMUM_QUERY_TIME_SECONDS => export_action_logs_maximum_query_time_seconds: u32 = 30, Mark::Undocumented;
        /// Seconds that the link to an export lives.
        EXPORT_ACTION_LOGS_SECONDS => export_action_logs_seconds: u32 = 3600, Mark::Undocumented;
        /// Logs can be counted.
        FEATURE_AGGREGATED_LOG_COUNT_RETRIEVAL => feature_aggregated_log_count_retrieval: bool = true;
        /// Entries carry request id, user agent and details of the authentication.
        FEATURE_EXTENDED_ACTION_LOGGING => feature_extended_action_logging: bool = false, Mark::Since("3.18");
        /// Count actions per repository and day.
        FEATURE_REPOSITORY_ACTION_COUNTER => feature_repository_action_counter: bool = true;
        /// Delete old counts.
        FEATURE_CLEAR_EXPIRED_RAC_ENTRIES => feature_clear_expired_rac_entries: bool = false, Mark::Undocumented;
    }
}
