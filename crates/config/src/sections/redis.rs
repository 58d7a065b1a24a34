//! Redis and the row cache.

use crate::cache::CacheConfig;
use crate::field::{Mark, section};
use crate::redis::RedisConnection;
use crate::setting::Opaque;

const NO_PYTHON: &str = "names Python code";

section! {
    /// Redis and the row cache. Redis is used only where the configuration names it; Quay assumes one on `localhost`.
    Redis {
        /// Build logs and their state.
        BUILDLOGS_REDIS => buildlogs_redis: Option<RedisConnection> = None;
        /// Events of users, locks of workers across nodes.
        USER_EVENTS_REDIS => user_events_redis: Option<RedisConnection> = None;
        /// Pull counters.
        PULL_METRICS_REDIS => pull_metrics_redis: Option<RedisConnection> = None;
        /// Host of `BUILDLOGS_REDIS`.
        BUILDLOGS_REDIS_HOSTNAME => buildlogs_redis_hostname: Option<String> = None, Mark::Deprecated("use BUILDLOGS_REDIS");
        /// Host of `USER_EVENTS_REDIS`.
        USER_EVENTS_REDIS_HOSTNAME => user_events_redis_hostname: Option<String> = None, Mark::Deprecated("use USER_EVENTS_REDIS");
        /// Host of `PULL_METRICS_REDIS`.
        PULL_METRICS_REDIS_HOSTNAME => pull_metrics_redis_hostname: Option<String> = None, Mark::Deprecated("use PULL_METRICS_REDIS");
        /// Further arguments of the store of build logs.
        BUILDLOGS_OPTIONS => buildlogs_options: Opaque = Opaque(serde_json::json!([])), Mark::Ignored(NO_PYTHON);
        /// Another store of build logs.
        BUILDLOGS_MODULE_AND_CLASS => buildlogs_module_and_class: Option<Vec<String>> = None, Mark::Ignored(NO_PYTHON);
        /// Publish events of users.
        FEATURE_USER_EVENTS => feature_user_events: bool = true;
        /// Count pulls of tags and manifests.
        FEATURE_IMAGE_PULL_STATS => feature_image_pull_stats: bool = false, Mark::Since("3.16");
        /// Threads that record pulls.
        PULL_METRICS_WORKER_COUNT => pull_metrics_worker_count: u32 = 5;
        /// Seconds between two writes of the counters to the database.
        REDIS_FLUSH_INTERVAL_SECONDS => redis_flush_interval_seconds: u32 = 300;
        /// Keys of one such write.
        REDIS_FLUSH_WORKER_BATCH_SIZE => redis_flush_worker_batch_size: u32 = 1000, Mark::Undocumented;
        /// Keys asked for at once.
        REDIS_FLUSH_WORKER_SCAN_COUNT => redis_flush_worker_scan_count: u32 = 100, Mark::Undocumented;
        /// Seconds to wait for a connection.
        REDIS_CONNECTION_TIMEOUT => redis_connection_timeout: u32 = 5, Mark::Undocumented;
        /// Row cache. Without this key Quay uses the memcached of its container, 127.0.0.1:18080, for which a cache in the process stands in.
        DATA_MODEL_CACHE_CONFIG => data_model_cache_config: CacheConfig = CacheConfig::container();
    }
}

impl Redis {
    /// The server of build logs, by either of its keys.
    pub fn buildlogs(&self) -> Option<RedisConnection> {
        named(
            self.buildlogs_redis.as_ref(),
            self.buildlogs_redis_hostname.as_deref(),
        )
    }

    /// The server of user events and locks, by either of its keys.
    pub fn user_events(&self) -> Option<RedisConnection> {
        named(
            self.user_events_redis.as_ref(),
            self.user_events_redis_hostname.as_deref(),
        )
    }

    /// The server of pull counters, by either of its keys.
    pub fn pull_metrics(&self) -> Option<RedisConnection> {
        named(
            self.pull_metrics_redis.as_ref(),
            self.pull_metrics_redis_hostname.as_deref(),
        )
    }
}

fn named(connection: Option<&RedisConnection>, host: Option<&str>) -> Option<RedisConnection> {
    connection
        .cloned()
        .or_else(|| host.map(RedisConnection::of_host))
}
