//! The background workers of this process. `QUAY_SERVICES` and `QUAY_OVERRIDE_SERVICES` switch them by Quay's names; those
//! that write rest while the registry is read-only.

use std::sync::Arc;
use std::time::Duration;

use pierhead_auth::ServiceKeys;
use pierhead_client::{AddressGuard, Client, Limits};
use pierhead_config::Config;
use pierhead_db::{Database, TagNameIndex, ensure_tag_name_index};
use pierhead_jobs::log_export::{LogExport, LogExportCallbacks};
use pierhead_jobs::pull_counts::{Flush, PullCounts};
use pierhead_jobs::upload_cleanup::UploadCleanup;
use pierhead_jobs::{CancellationToken, TaskTracker, row_counts};
use pierhead_metrics::Metrics;
use pierhead_storage::Storage;

use crate::context::Context;
use crate::settings;

/// Starts the workers. They end after `stop` is cancelled; waiting on the tracker waits for them.
pub(crate) fn start(
    context: &Context,
    storage: &Storage,
    keys: &ServiceKeys,
    metrics: &Arc<Metrics>,
    stop: &CancellationToken,
) -> TaskTracker {
    let config = &context.config;
    let services = config.environment.services();
    let writes = !settings::read_only(config);
    let workers = TaskTracker::new();
    if writes {
        // Not waited for at the end: PostgreSQL ends a build that its client leaves.
        tokio::spawn(ensure_index(context.db.clone()));
    }
    if writes && services.enabled("blobuploadcleanupworker") {
        let cleanup = upload_cleanup(config);
        workers.spawn(cleanup.run(context.db.clone(), storage.clone(), stop.clone()));
    }
    if writes && config.logs.feature_log_export && services.enabled("exportactionlogsworker") {
        match log_export(context, storage) {
            Ok(export) => {
                workers.spawn(export.run(stop.clone()));
            }
            Err(error) => tracing::error!(%error, "audit logs cannot be exported"),
        }
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

/// Callbacks get one answer and no redirects: what answers may be anything.
fn log_export(context: &Context, storage: &Storage) -> Result<LogExport, pierhead_client::Error> {
    let config = &context.config;
    let logs = &config.logs;
    let seconds = |seconds: u32| Duration::from_secs(seconds.max(1).into());
    let guard = AddressGuard::public_only(&config.mirroring.ssrf_allowed_hosts);
    let limits = Limits {
        redirects: 0,
        ..Limits::default()
    };
    let api = settings::api(config, context.directory.is_none());
    Ok(LogExport {
        db: context.db.clone(),
        storage: storage.clone(),
        show: pierhead_api::show_log_row(context.enums.clone(), &api),
        callbacks: LogExportCallbacks {
            client: Client::new(guard, limits)?,
            mail: None,
        },
        queue: config.queues.export_action_logs_queue_name.clone(),
        folder: logs.export_action_logs_storage_path.clone(),
        base_url: api.base_url(),
        every: seconds(logs.export_action_logs_worker_poll_period),
        longest: seconds(logs.export_action_logs_maximum_seconds),
        longest_query: seconds(logs.export_action_logs_maximum_query_time_seconds),
    })
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

/// Listings are slow until it is there, and correct.
async fn ensure_index(db: Database) {
    match ensure_tag_name_index(&db).await {
        Ok(TagNameIndex::Present | TagNameIndex::BeingBuilt) => {}
        Ok(TagNameIndex::Built) => tracing::info!("built the index of tag names"),
        Err(error) => tracing::warn!(%error, "the index of tag names could not be built"),
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
