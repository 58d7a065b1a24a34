//! The benchmark as a person runs it.

#![allow(clippy::unwrap_used)]

use std::process::Command;

fn bench(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_pierhead-bench"))
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn a_smoke_run_of_the_bare_loops_reports_rate_cpu_and_goals() {
    let output = bench(&["--quick", "--peers", "floor", "--output", "json"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut measured = 0;
    for id in ["manifest-tag/1", "blob-get/big", "blob-push/big"] {
        let groups = report["groups"].as_array().unwrap();
        let group = groups.iter().find(|group| group["id"] == id).unwrap();
        let row = &group["rows"][0];
        assert_eq!(row["registry"], "floor", "{id}");
        assert!(row["figures"]["per_second"].as_f64().unwrap() > 0.0, "{id}");
        assert!(row["figures"]["p50_ms"].as_f64().unwrap() > 0.0, "{id}");
        // What a quick run does may use less than one tick of the CPU clock, and then has no figure.
        let cpu = &row["figures"]["cpu_ms"];
        assert!(cpu.is_null() || cpu.as_f64().unwrap() > 0.0, "{id}: {cpu}");
        measured += usize::from(cpu.is_f64());
    }
    assert!(measured > 0, "no row has a CPU figure");
    let goals = report["goals"].as_array().unwrap();
    assert!(!goals.is_empty());
    assert!(goals.iter().all(|goal| goal["verdict"] == "not-measured"));
}

#[test]
fn an_unknown_registry_is_refused_with_the_known_ones() {
    let output = bench(&["--peers", "harbour"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        errors.contains("`harbour`") && errors.contains("docker-registry"),
        "{errors}"
    );
}
