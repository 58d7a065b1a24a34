//! Counts repositories, users, organizations and robots for the exported gauges (Quay's `globalpromstats`).

use std::sync::Arc;
use std::time::Duration;

use pierhead_db::Database;
use pierhead_db::queries::row_counts;
use pierhead_metrics::Metrics;
use tokio_util::sync::CancellationToken;

/// Counts now and after each pause (`GLOBAL_PROMETHEUS_STATS_FREQUENCY`), until `stop` is cancelled.
pub async fn run(db: Database, metrics: Arc<Metrics>, every: Duration, stop: CancellationToken) {
    let db = db.in_background();
    loop {
        match count(&db).await {
            Ok(counts) => {
                metrics.repository_rows.set(counts.repositories);
                metrics.user_rows.set(counts.users);
                metrics.organization_rows.set(counts.organizations);
                metrics.robot_rows.set(counts.robots);
            }
            Err(error) => tracing::warn!(%error, "rows could not be counted; they are later"),
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn count(db: &Database) -> pierhead_db::Result<row_counts::RowCounts> {
    let mut conn = db.read().await?;
    row_counts::count(&mut conn).await
}
