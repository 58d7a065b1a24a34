//! Swagger 2.0, as Quay makes it from its own routes.

use serde_json::{Map, Value, json};

use super::{ABOUT, TITLE, documented, operation, schema, scopes};
use crate::config::ApiConfig;
use crate::guard::Rule;
use crate::route::{Documentation, Route, Routes};

/// Who serves the API.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Publisher<'c> {
    /// `MAIL_DEFAULT_SENDER`.
    pub(crate) email: &'c str,
    /// `TERMS_OF_SERVICE_URL` of `FOOTER_LINKS`.
    pub(crate) terms: &'c str,
}

/// The description; hidden operations only if `internal`.
pub(crate) fn swagger(
    routes: &Routes,
    config: &ApiConfig,
    publisher: Publisher<'_>,
    internal: bool,
    is_served: impl Fn(&Route) -> bool,
) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    let mut definitions = Map::new();
    let mut tags: Vec<&str> = Vec::new();
    definitions.insert("ApiError".to_owned(), api_error());
    let shown = documented(routes)
        .filter(|(route, documentation)| is_served(route) && (internal || !documentation.internal));
    for (route, documentation) in shown {
        if !tags.contains(&documentation.tag) {
            tags.push(documentation.tag);
        }
        for (name, schema) in documentation.schemas() {
            definitions.insert(name, schema::swagger(json!(schema)));
        }
        let (parameters, described) = describe(route, documentation, internal);
        let path = paths.entry(route.path.clone()).or_insert_with(|| {
            let mut path = json!({
                "x-name": format!("endpoints.api.{}", documentation.tag),
                "x-path": route.path,
                "x-tag": documentation.tag,
            });
            if !parameters.is_empty() {
                path["parameters"] = Value::Array(parameters);
            }
            path
        });
        path[route.method.as_str().to_ascii_lowercase()] = described;
    }
    tags.sort_unstable();
    let tags: Vec<Value> = tags
        .into_iter()
        .map(|name| json!({ "name": name, "description": "" }))
        .collect();
    json!({
        "swagger": "2.0",
        "host": config.hostname,
        "basePath": "/",
        "schemes": [config.scheme],
        "info": {
            "version": "v1",
            "title": TITLE,
            "description": ABOUT,
            "termsOfService": publisher.terms,
            "contact": { "email": publisher.email },
        },
        "securityDefinitions": {
            "oauth2_implicit": {
                "type": "oauth2",
                "flow": "implicit",
                "authorizationUrl": format!("{}/oauth/authorize", config.base_url()),
                "scopes": scopes(),
            },
        },
        "paths": paths,
        "definitions": definitions,
        "tags": tags,
    })
}

/// The parameters in the path, and the operation with the others.
fn describe(route: &Route, documentation: &Documentation, internal: bool) -> (Vec<Value>, Value) {
    let operation = operation(documentation);
    let mut in_path = Vec::new();
    let mut parameters = Vec::new();
    let given = operation.get("parameters").and_then(Value::as_array);
    for parameter in given.into_iter().flatten() {
        let swagger = json!({
            "name": parameter["name"],
            "in": parameter["in"],
            "required": parameter["required"] == true,
            "description": parameter["description"].as_str().unwrap_or_default(),
            "type": schema::simple_type(&parameter["schema"]),
        });
        if parameter["in"] == "path" {
            in_path.push(swagger);
        } else {
            parameters.push(swagger);
        }
    }
    if let Some(body) = operation.get("requestBody") {
        parameters.push(json!({
            "name": "body",
            "in": "body",
            "required": true,
            "description": "Request body contents.",
            "schema": schema::swagger(body["content"]["application/json"]["schema"].clone()),
        }));
    }
    let description = ["summary", "description"]
        .into_iter()
        .filter_map(|key| operation.get(key)?.as_str())
        .collect::<Vec<_>>()
        .join("\n\n");
    let mut described = json!({
        "operationId": operation.get("operationId"),
        "parameters": parameters,
        "description": description,
        "tags": [documentation.tag],
        "responses": responses(&operation),
    });
    let Rule { scope, fresh, .. } = route.rule;
    if let Some(scope) = scope {
        described["security"] = json!([{ "oauth2_implicit": [scope.name()] }]);
    }
    if documentation.internal {
        described["x-internal"] = json!(true);
    }
    if internal && fresh {
        described["x-requires-fresh-login"] = json!(true);
    }
    (in_path, described)
}

/// What the operation answers when it succeeds, and the refusals that every one may answer.
fn responses(operation: &Map<String, Value>) -> Value {
    let mut responses = json!({});
    for (status, text) in [
        ("400", "Bad Request"),
        ("401", "Session required"),
        ("403", "Unauthorized access"),
        ("404", "Not found"),
    ] {
        responses[status] = json!({
            "description": text,
            "schema": { "$ref": "#/definitions/ApiError" },
        });
    }
    let given = operation.get("responses").and_then(Value::as_object);
    for (status, response) in given.into_iter().flatten() {
        if !status.starts_with('2') {
            continue;
        }
        responses[status] = json!({ "description": response["description"] });
        let schema = &response["content"]["application/json"]["schema"];
        if !schema.is_null() {
            responses[status]["schema"] = schema::swagger(schema.clone());
        }
    }
    responses
}

fn api_error() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "properties": {
            "status": { "type": "integer" },
            "type": text,
            "detail": text,
            "title": text,
            "error_message": text,
            "error_type": text,
        },
        "required": ["status", "type", "title"],
    })
}
