//! Which settings switch which routes: compared with the `show_if` and `route_show_if` of Quay's source, every feature on.
//! What a handler asks for itself is not here: `POST /api/v1/user/initialize`, which is no route without its feature in Quay.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use pierhead_config::{Config, Sources};
use serde_json::{Map, Value, json};

use crate::controllers;

/// The least that a configuration needs, and what is needed where every feature is on.
fn least() -> Map<String, Value> {
    let settings = json!({
        "SECRET_KEY": "one", "DATABASE_SECRET_KEY": "two", "SETUP_COMPLETE": true,
        "SERVER_HOSTNAME": "registry.example.com", "DB_URI": "postgresql://quay:pass@db.example.com/quay",
        "DISTRIBUTED_STORAGE_CONFIG": { "default": ["LocalStorage", { "storage_path": "/datastorage/registry" }] },
        "DISTRIBUTED_STORAGE_PREFERENCE": ["default"],
        "BUILDLOGS_REDIS": { "host": "redis" }, "USER_EVENTS_REDIS": { "host": "redis" },
        "PERMANENTLY_DELETE_TAGS": true,
    });
    settings.as_object().unwrap().clone()
}

fn load(settings: &Map<String, Value>) -> Config {
    let directory = tempfile::tempdir().unwrap();
    // JSON is YAML.
    let text = serde_json::to_string(settings).unwrap();
    std::fs::write(directory.path().join("config.yaml"), text).unwrap();
    // Not every feature has what it needs here.
    let environment = BTreeMap::from([("IGNORE_VALIDATION".to_owned(), "true".to_owned())]);
    let sources = Sources::new(Some(directory.path().to_owned()), environment);
    Config::load(&sources).unwrap().config
}

/// The keys that switch something, all of them on.
fn every_feature() -> Map<String, Value> {
    let fields = Config::reference()
        .into_iter()
        .flat_map(|section| section.fields);
    fields
        .filter(|field| field.key.starts_with("FEATURE_") && field.kind == "boolean")
        .map(|field| (field.key.to_owned(), Value::Bool(true)))
        .collect()
}

/// The routes that a configuration serves.
fn served(config: &Config) -> Vec<String> {
    let routes = controllers::routes().routes;
    let served = routes
        .iter()
        .filter(|route| route.feature.is_none_or(|feature| feature(config)));
    served
        .map(|route| format!("{} {}", route.method, route.path))
        .collect()
}

#[test]
fn each_setting_switches_the_routes_that_it_switches_in_quay() {
    let features = every_feature();
    let mut settings = least();
    settings.extend(features.clone());
    let whole = served(&load(&settings));
    // Only what needs accounts outside of the database is missing.
    let of_others = "POST /api/v1/entities/link/{username}".to_owned();
    let everything: Vec<String> = controllers::routes()
        .routes
        .iter()
        .map(|route| format!("{} {}", route.method, route.path))
        .filter(|route| *route != of_others)
        .collect();
    assert_eq!(whole, everything);
    let mut lines = Vec::new();
    let switches = features
        .keys()
        .map(|key| (key.as_str(), json!(false)))
        .chain([
            ("PERMANENTLY_DELETE_TAGS", json!(false)),
            ("ACCOUNT_RECOVERY_MODE", json!(true)),
            ("AUTHENTICATION_TYPE", json!("AppToken")),
        ]);
    for (key, value) in switches {
        let mut settings = settings.clone();
        settings.insert(key.to_owned(), value.clone());
        let left = served(&load(&settings));
        let mut gone: Vec<&String> = whole.iter().filter(|route| !left.contains(route)).collect();
        gone.sort();
        if !gone.is_empty() {
            lines.push(format!("{key}: {value}"));
            lines.extend(gone.into_iter().map(|route| format!("    {route}")));
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}
