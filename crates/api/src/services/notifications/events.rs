//! Data of events that did not happen, with which a hook is tested (api-v1.md §8.2).

use serde_json::{Map, Value, json};

use super::About;

/// Severities by index, the worst first.
const SEVERITIES: [&str; 6] = ["Critical", "High", "Medium", "Low", "Negligible", "Unknown"];
/// The id of a build that never was.
const BUILD: &str = "fake-build-id";
const GIBIBYTE: i64 = 1024 * 1024 * 1024;

/// Made-up data of an event, for a hook with these settings.
pub(super) fn sample(
    about: &About,
    event: &str,
    event_config: &Map<String, Value>,
    now: i64,
) -> Value {
    match event {
        "repo_push" => about.with(
            None,
            json!({ "updated_tags": ["latest", "foo"], "pruned_image_count": 3 }),
        ),
        "repo_mirror_sync_started" | "repo_mirror_sync_success" | "repo_mirror_sync_failed" => {
            about.with(None, json!({ "message": "TEST NOTIFICATION" }))
        }
        "vulnerability_found" => about.with(
            None,
            json!({
                "tags": ["latest", "prod", "foo", "bar", "baz"],
                "image": "some-image-id",
                "vulnerability": {
                    "id": "CVE-FAKE-CVE",
                    "description": "A futurist vulnerability",
                    "link": "https://security-tracker.debian.org/tracker/CVE-FAKE-CVE",
                    "priority": severity(event_config.get("level")),
                },
            }),
        ),
        "repo_image_expiry" => about.with(
            None,
            json!({
                "tags": ["latest", "v1"],
                "expiring_in": format!("{} days", days(event_config.get("days"))),
            }),
        ),
        "quota_warning" => about.with(
            None,
            json!({
                "threshold_percent": 80, "usage_bytes": 858_993_459, "limit_bytes": GIBIBYTE, "usage_percent": 80,
                "usage_bytes_formatted": "819.20 MB", "limit_bytes_formatted": "1.00 GB",
            }),
        ),
        "quota_error" => about.with(
            None,
            json!({
                "threshold_percent": 100, "usage_bytes": 1_127_428_915, "limit_bytes": GIBIBYTE, "usage_percent": 105,
                "usage_bytes_formatted": "1.05 GB", "limit_bytes_formatted": "1.00 GB",
            }),
        ),
        build => about.with(Some(&format!("build/{BUILD}")), build_data(build, now)),
    }
}

fn build_data(event: &str, now: i64) -> Value {
    let mut metadata = json!({
        "default_branch": "master",
        "ref": "refs/heads/somebranch",
        "commit": "42d4a62c53350993ea41069e9f2cfdefb0df097d",
    });
    if matches!(event, "build_queued" | "build_failure") {
        metadata["commit_info"] = json!({
            "url": "http://path/to/the/commit",
            "message": "Some commit message",
            "date": now as f64,
            "author": {
                "username": "fakeauthor",
                "url": "http://path/to/fake/author/in/scm",
                "avatar_url": "http://www.gravatar.com/avatar/fakehash",
            },
        });
    }
    let mut data = json!({
        "build_id": BUILD,
        "build_name": "some-fake-build",
        "docker_tags": ["latest", "foo", "bar"],
        "trigger_id": "1245634",
        "trigger_kind": "GitHub",
        "trigger_metadata": metadata,
    });
    match event {
        "build_queued" => data["is_manual"] = json!(false),
        "build_failure" => data["error_message"] = json!("This is a fake error message"),
        "build_success" | "build_cancelled" => data["image_id"] = json!("1245657346"),
        _ => {}
    }
    data
}

/// The name of a severity index. Settings hold it as a number or as text; without one it is none.
fn severity(level: Option<&Value>) -> &'static str {
    let index = match level {
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    index
        .and_then(|index| SEVERITIES.get(usize::try_from(index).ok()?))
        .copied()
        .unwrap_or("Unknown")
}

/// A number of days as Python writes it.
fn days(days: Option<&Value>) -> String {
    match days {
        None | Some(Value::Null) => "None".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_severity_is_named_by_its_index() {
        assert_eq!(severity(Some(&json!(0))), "Critical");
        assert_eq!(severity(Some(&json!("2"))), "Medium");
        for unknown in [json!(9), json!(-1), json!("High"), json!(null)] {
            assert_eq!(severity(Some(&unknown)), "Unknown", "{unknown}");
        }
    }
}
