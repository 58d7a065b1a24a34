//! The background workers of this process. `QUAY_SERVICES` and `QUAY_OVERRIDE_SERVICES` switch them by Quay's names; those
//! that write rest while the registry is read-only.

use std::sync::Arc;
use std::time::Duration;

use pierhead_auth::ServiceKeys;
use pierhead_config::Config;
use pierhead_db::{Database, OWN_INDEXES, OwnIndexState, ensure_own_index};
use pierhead_jobs::log_export::LogExportCallbacks;
use pierhead_jobs::pull_counts::{Flush, PullCounts};
use pierhead_jobs::upload_cleanup::UploadCleanup;
use pierhead_jobs::{CancellationToken, TaskTracker, row_counts};
use pierhead_metrics::Metrics;
use pierhead_storage::Storage;

use crate::context::Context;
use crate::{log_export, settings};

/// Starts the workers. They end after `stop` is cancelled; waiting on the tracker waits for them.
pub(crate) fn start(
    context: &Context,
    storage: &Storage,
    keys: &ServiceKeys,
    metrics: &Arc<Metrics>,
    exports: LogExportCallbacks,
    stop: &CancellationToken,
) -> TaskTracker {
    let config = &context.config;
    let services = config.environment.services();
    let writes = !settings::read_only(config);
    let workers = TaskTracker::new();
    if writes {
        // Not waited for at the end: PostgreSQL ends a build that its client leaves.
        tokio::spawn(ensure_indexes(context.db.in_background()));
    }
    if writes && services.enabled("blobuploadcleanupworker") {
        let cleanup = upload_cleanup(config);
        workers.spawn(cleanup.run(context.db.clone(), storage.clone(), stop.clone()));
    }
    if writes && config.logs.feature_log_export && services.enabled("exportactionlogsworker") {
        let export = log_export::worker(context, storage, exports);
        workers.spawn(export.run(stop.clone()));
    }
    if writes && services.enabled("servicekey") {
        let every = Duration::from_secs(u64::from(config.keys.instance_service_key_refresh) * 60);
        workers.spawn(refresh_key(
            keys.clone(),
            metrics.clone(),
            every,
            stop.clone(),
        ));
    }
    if services.enabled("globalpromstats") {
        let every = config.health.global_prometheus_stats_frequency.max(1);
        workers.spawn(row_counts::run(
            context.db.clone(),
            metrics.clone(),
            Duration::from_secs(every.into()),
            stop.clone(),
        ));
    }
    workers.close();
    workers
}

/// Counts pulls, with `FEATURE_IMAGE_PULL_STATS`. The counts are this process's own, so that it writes them whichever workers
/// run here.
pub(crate) fn count_pulls(
    context: &Context,
    workers: &TaskTracker,
    stop: &CancellationToken,
) -> Option<PullCounts> {
    let config = &context.config;
    if !config.redis.feature_image_pull_stats || settings::read_only(config) {
        return None;
    }
    let flush = Flush {
        every: Duration::from_secs(config.redis.redis_flush_interval_seconds.max(1).into()),
        batch: config.redis.redis_flush_worker_batch_size.max(1) as usize,
    };
    let counts = PullCounts::default();
    workers.spawn(counts.clone().run(context.db.clone(), flush, stop.clone()));
    Some(counts)
}

fn upload_cleanup(config: &Config) -> UploadCleanup {
    UploadCleanup {
        every: Duration::from_secs(config.storage.blobupload_cleanup_frequency.max(1).into()),
        age: Duration::from_secs(u64::from(config.storage.blobupload_deletion_date_threshold) * 60),
    }
}

/// Listings are slow until they are there, and correct.
async fn ensure_indexes(db: Database) {
    for index in OWN_INDEXES {
        match ensure_own_index(&db, *index).await {
            Ok(OwnIndexState::Present | OwnIndexState::BeingBuilt) => {}
            Ok(OwnIndexState::Built) => tracing::info!(index = index.name, "built an index"),
            Err(error) => tracing::warn!(%error, index = index.name, "an index could not be built"),
        }
    }
}

async fn refresh_key(
    keys: ServiceKeys,
    metrics: Arc<Metrics>,
    every: Duration,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = stop.cancelled() => return,
        }
        let renewed = keys.refresh().await;
        let outcome = renewed.is_ok().into();
        metrics.instance_key_renewals.get_or_create(&outcome).inc();
        match renewed {
            Ok(()) => tracing::info!(kid = keys.kid(), "extended the service key"),
            Err(error) => tracing::error!(%error, "the service key could not be extended"),
        }
    }
}
