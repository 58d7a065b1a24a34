//! The installation itself: its configuration, size and change log, and its end.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use pierhead_config::Config;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{CONFIG_PROVIDER, enabled};
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::first_user;
use crate::guard::{Fresh, SuperuserOnly};
use crate::json::{self, Json};
use crate::route::{Routes, route};
use crate::services::registry_size;
use crate::state::Api;

pub(super) fn routes() -> Routes {
    Routes::tagged("superuser")
        .add(route!(change_log).when(enabled).internal())
        .add(route!(get_registry_size).when(enabled).internal())
        .add(route!(queue_registry_size).when(enabled).internal())
        .add(route!(dump_config).when(enabled).internal())
        .add(route!(registry_status).when(enabled).internal())
        .add(route!(shut_down).when(enabled).internal())
}

/// The change log.
#[derive(Serialize, ToSchema)]
struct ChangeLog {
    /// Markdown.
    #[schema(value_type = String)]
    log: &'static str,
}

/// Returns the change log for this installation.
#[utoipa::path(
    get,
    path = "/api/v1/superuser/changelog/",
    operation_id = "getChangeLog",
    responses((status = 200, description = "The change log", body = ChangeLog))
)]
async fn change_log(_: Fresh<SuperuserOnly>) -> Json<ChangeLog> {
    Json(ChangeLog {
        log: include_str!("../../../../../CHANGELOG.md"),
    })
}

/// How much the registry stores.
#[derive(Serialize, ToSchema)]
struct RegistrySize {
    size_bytes: i64,
    /// Milliseconds since 1970.
    last_ran: Option<i64>,
    running: bool,
    queued: bool,
}

/// Returns size of the registry.
#[utoipa::path(
    get,
    path = "/api/v1/superuser/registrysize/",
    operation_id = "getRegistrySize",
    responses((status = 200, description = "What was calculated last", body = RegistrySize))
)]
async fn get_registry_size(
    _: Fresh<SuperuserOnly>,
    State(api): State<Api>,
) -> Result<Json<RegistrySize>> {
    let calculated = registry_size::last(&api).await?;
    Ok(Json(RegistrySize {
        size_bytes: calculated.map_or(0, |size| size.size_bytes),
        last_ran: calculated.and_then(|size| size.completed_ms),
        running: calculated.is_some_and(|size| size.running),
        queued: calculated.is_some_and(|size| size.queued),
    }))
}

/// Queues registry size calculation.
#[utoipa::path(
    post,
    path = "/api/v1/superuser/registrysize/",
    operation_id = "queueRegistrySizeCalculation",
    responses(
        (status = 201, description = "Queued", body = String),
        (status = 202, description = "Queued or running before", body = String)
    )
)]
async fn queue_registry_size(_: Fresh<SuperuserOnly>, State(api): State<Api>) -> Result<Response> {
    let status = if registry_size::queue(&api).await? {
        StatusCode::CREATED
    } else {
        StatusCode::ACCEPTED
    };
    Ok(json::answer(status, ""))
}

/// The whole configuration as this process understands it. Secrets are shown as `<redacted>`.
#[utoipa::path(
    get,
    path = "/api/v1/superuser/config",
    operation_id = "getSuperuserConfigDump",
    responses((status = 200, description = "Every field", body = serde_json::Value))
)]
async fn dump_config(guard: Fresh<SuperuserOnly>, State(api): State<Api>) -> Result<Json<Value>> {
    let config = api.config();
    if !config.users.feature_superuser_configdump {
        return Err(Error::unauthorized(guard.caller()));
    }
    let (known, unknown): (Map<_, _>, Map<_, _>) = config
        .show()
        .into_iter()
        .partition(|(key, _)| !config.unknown_features.contains_key(key));
    Ok(Json(json!({
        "config": known,
        "warning": unknown,
        "env": environment(std::env::vars_os()),
        "schema": schema(),
    })))
}

/// The known fields as a JSON schema; scripts look there for whether a key is one.
fn schema() -> Value {
    let fields = Config::reference()
        .into_iter()
        .flat_map(|section| section.fields);
    let properties: Map<_, _> = fields
        .map(|field| {
            let mut property = Map::new();
            if let Some(kind) = json_type(&field.kind) {
                property.insert("type".to_owned(), json!(kind));
            }
            property.insert("description".to_owned(), json!(field.doc.trim()));
            (field.key.to_owned(), Value::Object(property))
        })
        .collect();
    json!({ "type": "object", "properties": properties })
}

/// The JSON type of a kind of value; none where several are taken.
fn json_type(kind: &str) -> Option<&'static str> {
    match kind {
        "boolean" => Some("boolean"),
        "integer" => Some("integer"),
        "number" => Some("number"),
        "any value" | "size" => None,
        kind if kind.contains(" or ") => None,
        kind if kind.starts_with("list of ") => Some("array"),
        kind if kind == "map" || kind.starts_with("map to ") => Some("object"),
        _ => Some("string"),
    }
}

/// The environment without what could be a secret: Quay shows it as it is.
fn environment(
    variables: impl Iterator<Item = (std::ffi::OsString, std::ffi::OsString)>,
) -> Map<String, Value> {
    const TELLING: [&str; 6] = ["PASS", "SECRET", "TOKEN", "KEY", "URI", "CREDENTIAL"];
    variables
        .map(|(name, value)| {
            let name = name.to_string_lossy().into_owned();
            let value = value.to_string_lossy();
            let upper = name.to_uppercase();
            // Quay's overrides may hold any field of the configuration.
            let secret = upper.starts_with("QUAY_OVERRIDE_")
                || TELLING.iter().any(|part| upper.contains(part));
            let shown = if secret { "**********" } else { &*value };
            (name, json!(shown))
        })
        .collect()
}

/// How far the installation is set up.
#[derive(Serialize, ToSchema)]
struct RegistryStatus {
    /// Where the configuration comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    provider_id: Option<&'static str>,
    /// `ready`, or `setup-incomplete`.
    #[schema(value_type = String)]
    status: &'static str,
}

/// Returns the status of the registry.
#[utoipa::path(
    get,
    path = "/api/v1/superuser/registrystatus",
    operation_id = "scRegistryStatus",
    responses((status = 200, description = "The status", body = RegistryStatus))
)]
async fn registry_status(_: Caller) -> Json<RegistryStatus> {
    // A process that serves has a complete configuration.
    Json(RegistryStatus {
        provider_id: Some(CONFIG_PROVIDER),
        status: "ready",
    })
}

/// Ends this process in order, so that its supervisor starts it again.
#[utoipa::path(
    post,
    path = "/api/v1/superuser/shutdown",
    operation_id = "scShutdownContainer",
    responses((status = 200, description = "Ending", body = serde_json::Value))
)]
async fn shut_down(caller: Caller, State(api): State<Api>) -> Result<Json<Value>> {
    if !caller.is_superuser() && first_user::exists(api.db()).await? {
        return Err(Error::web(StatusCode::FORBIDDEN, "Permission Denied"));
    }
    api.shut_down();
    Ok(Json(json!({})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_tells_the_fields_and_their_types() {
        let schema = schema();
        for (key, kind) in [
            ("FEATURE_MAILING", json!("boolean")),
            ("SERVER_HOSTNAME", json!("string")),
            ("SUPER_USERS", json!("array")),
            ("DISTRIBUTED_STORAGE_CONFIG", json!("object")),
        ] {
            assert_eq!(schema["properties"][key]["type"], kind, "{key}");
        }
        assert_eq!(schema["properties"]["NONSENSE"], Value::Null);
    }

    #[test]
    fn the_environment_is_shown_without_secrets() {
        let given = [
            ("QUAYPATH", "/quay"),
            ("POSTGRES_PASSWORD", "hunter2"),
            ("QUAY_OVERRIDE_DB_URI", "postgresql://quay:hunter2@db/quay"),
        ];
        let shown = environment(given.map(|(k, v)| (k.into(), v.into())).into_iter());
        assert_eq!(shown["QUAYPATH"], "/quay");
        assert!(!json!(shown).to_string().contains("hunter2"));
    }
}
