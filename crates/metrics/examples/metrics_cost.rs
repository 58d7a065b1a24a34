//! What recording costs on a request's path, in nanoseconds.
//!
//! `cargo run --release -p pierhead-metrics --example metrics_cost`
#![allow(clippy::print_stdout, missing_docs)]

use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use pierhead_metrics::{Build, ImageReference, Metrics, Protocol, PullLabels};

const TIMES: u32 = 5_000_000;

fn main() {
    let tracked = ["one".to_owned(), "two".to_owned()];
    let metrics = Metrics::new(
        "quay",
        &tracked,
        Build {
            version: "0",
            revision: "",
        },
    );
    let route = metrics.route("v2.fetch_manifest_by_tagname");
    time("one request", || {
        let namespace = metrics.namespace("somebody");
        route.observe(
            &Method::GET,
            StatusCode::OK,
            namespace,
            Duration::from_micros(130),
        );
    });
    let labels = PullLabels {
        protocol: Protocol::V2,
        r#ref: ImageReference::Tag,
        status: 200,
    };
    time("one pull, looked up", || {
        metrics.image_pulls.get_or_create(&labels).inc();
    });
    let pulls = metrics.image_pulls.get_or_create_owned(&labels);
    time("one pull, handle kept", || {
        pulls.inc();
    });
}

fn time(what: &str, record: impl Fn()) {
    let began = Instant::now();
    for _ in 0..TIMES {
        record();
    }
    println!(
        "{what}: {:.1} ns",
        began.elapsed().as_secs_f64() * 1e9 / f64::from(TIMES)
    );
}
