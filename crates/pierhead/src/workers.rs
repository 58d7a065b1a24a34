//! The background workers of this process. `QUAY_SERVICES` and `QUAY_OVERRIDE_SERVICES` switch them by Quay's names; those
//! that write rest while the registry is read-only.

use std::sync::Arc;
use std::time::Duration;

use pierhead_auth::ServiceKeys;
use pierhead_config::Config;
use pierhead_db::{Database, TagNameIndex, ensure_tag_name_index};
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
