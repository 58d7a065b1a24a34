//! Names, labels and values as a scraper sees them.
#![allow(clippy::unwrap_used)]
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use tower_service::Service as _;

use super::*;
use crate::labels::{Availability, ImageReference, Protocol};

fn metrics(namespace: &str, tracked: &[&str]) -> Metrics {
    let tracked: Vec<_> = tracked.iter().map(|&name| name.to_owned()).collect();
    Metrics::new(
        namespace,
        &tracked,
        Build {
            version: "1.2.3",
            revision: "abc",
        },
    )
}

/// A series in each family: those without one are not exported.
fn record_everything(metrics: &Metrics) {
    metrics.route("r").observe(
        &Method::GET,
        StatusCode::OK,
        NamespaceBucket::OTHER,
        Duration::ZERO,
    );
    let (protocol, status) = (Protocol::V2, 200);
    metrics
        .image_pulls
        .get_or_create(&PullLabels {
            protocol,
            r#ref: ImageReference::Tag,
            status,
        })
        .inc();
    metrics
        .image_pushes
        .get_or_create(&PushLabels {
            protocol,
            status,
            media_type: "m",
        })
        .inc();
    metrics
        .pulled_bytes
        .get_or_create(&PulledLabels { protocol })
        .inc();
    metrics
        .chunk_upload_duration
        .get_or_create(&RegionLabels {
            region: "default".into(),
        })
        .observe(1.0);
    metrics
        .authentication_attempts
        .get_or_create(&AttemptLabels::new("robot", true))
        .inc();
    metrics.bearer_tokens.get_or_create(&true.into()).inc();
    metrics
        .model_cache
        .get_or_create(&ModelCacheLabels { r#type: "hit" })
        .inc();
    let (queue_name, availability) = ("q".to_owned(), Availability::Nonexistent);
    metrics
        .queue_gets
        .get_or_create(&QueueGetLabels {
            queue_name: queue_name.clone(),
            availability,
        })
        .inc();
    let labels = QueueLabels { queue_name };
    metrics.queue_puts.get_or_create(&labels).inc();
    for gauge in [
        &metrics.queue_locked,
        &metrics.queue_available,
        &metrics.queue_available_unlocked,
    ] {
        gauge.get_or_create(&labels).set(1);
    }
    metrics
        .gc_rows_deleted
        .get_or_create(&TableLabels { table: "Tag" })
        .inc();
    let operation = OperationLabels {
        worker: "w",
        operation: "o",
    };
    metrics
        .worker_duration
        .get_or_create(&operation)
        .observe(1.0);
    metrics.worker_in_progress.get_or_create(&operation).set(1);
    metrics
        .instance_key_renewals
        .get_or_create(&false.into())
        .inc();
    metrics
        .storage_calls
        .get_or_create(&StorageLabels { operation: "open" })
        .inc();
    metrics.tag_cache.get_or_create(&TagCacheLabels::HIT).inc();
    metrics
        .db_statements
        .get_or_create(&StatementLabels::REQUEST)
        .inc();
}

/// Name and type of each exported metric.
fn exported(text: &str) -> Vec<(&str, &str)> {
    text.lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .collect()
}

#[test]
fn every_metric_has_the_name_and_type_that_dashboards_of_quay_use() {
    let metrics = metrics("quay", &[]);
    record_everything(&metrics);
    let text = metrics.encode().unwrap();
    let expected = [
        ("quay_request_duration_seconds", "histogram"),
        ("quay_registry_image_pulls_total", "counter"),
        ("quay_registry_image_pushes_total", "counter"),
        (
            "quay_registry_image_pulled_estimated_bytes_total",
            "counter",
        ),
        ("quay_registry_image_pushed_bytes_total", "counter"),
        ("quay_chunk_upload_duration_seconds", "histogram"),
        ("quay_authentication_attempts_total", "counter"),
        ("bearer_token_decoded_total", "counter"),
        ("quay_queue_item_puts_total", "counter"),
        ("quay_queue_item_gets_total", "counter"),
        ("quay_queue_item_deletes_total", "counter"),
        ("quay_queue_items_locked", "gauge"),
        ("quay_queue_items_available", "gauge"),
        ("quay_queue_items_available_unlocked", "gauge"),
        ("quay_db_pooled_connections_in_use", "gauge"),
        ("quay_db_pooled_connections_available", "gauge"),
        ("quay_db_connect_calls_total", "counter"),
        ("quay_db_close_calls_total", "counter"),
        ("quay_model_cache_total", "counter"),
        ("quay_gc_table_rows_deleted_total", "counter"),
        ("quay_gc_storage_blobs_deleted_total", "counter"),
        ("quay_gc_repos_purged_total", "counter"),
        ("quay_gc_namespaces_purged_total", "counter"),
        ("quay_gc_iterations_total", "counter"),
        ("quay_multipart_uploads_started_total", "counter"),
        ("quay_multipart_uploads_completed_total", "counter"),
        ("quay_repository_rows", "gauge"),
        ("quay_user_rows", "gauge"),
        ("quay_org_rows", "gauge"),
        ("quay_robot_rows", "gauge"),
        ("quay_instance_key_renewal_self_total", "counter"),
        ("quay_worker_operation_duration_seconds", "histogram"),
        ("quay_worker_operation_in_progress", "gauge"),
        ("process_cpu_seconds_total", "counter"),
        ("process_resident_memory_bytes", "gauge"),
        ("process_open_fds", "gauge"),
        ("process_start_time_seconds", "gauge"),
        ("pierhead_db_statements_total", "counter"),
        ("pierhead_storage_calls_total", "counter"),
        ("pierhead_tag_cache_lookups_total", "counter"),
        ("pierhead_access_log_lines_dropped_total", "counter"),
    ];
    let exported = exported(&text);
    for metric in expected {
        assert_eq!(
            exported.iter().filter(|found| **found == metric).count(),
            1,
            "{metric:?} in\n{text}"
        );
    }
    for series in [
        r#"quay_registry_image_pulls_total{protocol="v2",ref="tag",status="200"} 1"#,
        r#"quay_registry_image_pushes_total{protocol="v2",status="200",media_type="m"} 1"#,
        r#"quay_authentication_attempts_total{auth_kind="robot",success="True"} 1"#,
        r#"quay_queue_item_gets_total{queue_name="q",availability="nonexistant"} 1"#,
        r#"quay_model_cache_total{type="hit"} 1"#,
        r#"quay_instance_key_renewal_self_total{success="False"} 1"#,
    ] {
        assert!(text.contains(series), "{series} in\n{text}");
    }
    assert!(
        text.contains(r#"pierhead_build_info{version="1.2.3",revision="abc"} 1"#),
        "{text}"
    );
}

#[test]
fn the_namespace_replaces_the_prefix_and_nothing_else() {
    let metrics = metrics("acme", &[]);
    record_everything(&metrics);
    let text = metrics.encode().unwrap();
    assert!(!text.contains("quay_"), "{text}");
    assert!(text.contains("# TYPE acme_registry_image_pulls_total counter"));
    assert!(text.contains("# TYPE bearer_token_decoded_total counter"));
}

#[test]
fn a_request_is_recorded_under_route_method_status_and_tracked_namespace() {
    let metrics = metrics("quay", &["tracked"]);
    let route = metrics.route("v2.fetch_manifest_by_tagname");
    let took = Duration::from_millis(20);
    for _ in 0..2 {
        route.observe(
            &Method::GET,
            StatusCode::OK,
            metrics.namespace("tracked"),
            took,
        );
    }
    route.observe(
        &Method::HEAD,
        StatusCode::NOT_FOUND,
        metrics.namespace("unknown"),
        took,
    );
    let text = metrics.encode().unwrap();
    for (labels, count) in [
        (
            r#"method="GET",route="v2.fetch_manifest_by_tagname",status="200",namespace_name="tracked""#,
            2,
        ),
        (
            r#"method="HEAD",route="v2.fetch_manifest_by_tagname",status="404",namespace_name="other""#,
            1,
        ),
    ] {
        assert!(
            text.contains(&format!(
                "quay_request_duration_seconds_count{{{labels}}} {count}"
            )),
            "{text}"
        );
        assert!(
            text.contains(&format!(
                "quay_request_duration_seconds_bucket{{{labels},le=\"0.01\"}} 0"
            )),
            "{text}"
        );
        assert!(text.contains(&format!(
            "quay_request_duration_seconds_bucket{{{labels},le=\"0.025\"}} {count}"
        )));
    }
}

#[test]
fn values_kept_elsewhere_are_fetched_when_somebody_asks() {
    let metrics = metrics("quay", &[]);
    metrics.on_exposition(|metrics| {
        metrics.db_in_use.inc();
        let statements = metrics
            .db_statements
            .get_or_create_owned(&StatementLabels::REQUEST);
        statements.inner().store(41, Ordering::Relaxed);
    });
    metrics.encode().unwrap();
    let text = metrics.encode().unwrap();
    assert!(
        text.contains("quay_db_pooled_connections_in_use 2\n"),
        "{text}"
    );
    assert!(
        text.contains("pierhead_db_statements_total{work=\"request\"} 41\n"),
        "{text}"
    );
}

#[tokio::test]
async fn the_exposition_is_text_of_the_prometheus_format() {
    let mut router = Arc::new(metrics("quay", &[])).router();
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let answer = router.call(request).await.unwrap();
    assert_eq!(
        answer.headers()["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let text = std::str::from_utf8(&body).unwrap();
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("process_resident_memory_bytes "))
        .unwrap();
    assert!(value.parse::<f64>().unwrap() > 1e6, "{value}");
}
