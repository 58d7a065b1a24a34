//! What the API says of itself: OpenAPI 3.1 at `/api/v1/openapi.json`, and Swagger 2.0 in Quay's form at
//! `/api/v1/discovery`, from which command line tools generate their calls. Both are made from the routes, whose operations
//! stand beside their handlers; scopes come from the guards.

use serde_json::{Map, Value, json};

use crate::config::ApiConfig;
use crate::guard::Who;
use crate::route::{Documentation, Route, Routes};

mod discovery;
#[cfg(test)]
mod reference;
pub(crate) mod rendered;
mod schema;

pub(crate) use discovery::{Publisher, swagger};

/// Namespace and name.
const REPOSITORY: &str = "^[a-z0-9._-]+/[a-zA-Z0-9._/-]*[a-zA-Z0-9._-]$";
const TITLE: &str = "Quay Frontend";
const ABOUT: &str = "This API allows you to perform many of the operations required to work with Quay repositories, users, \
                     and organizations.";

/// The whole API in OpenAPI 3.1, without the routes of features that are off.
pub(crate) fn openapi(
    routes: &Routes,
    config: &ApiConfig,
    is_served: impl Fn(&Route) -> bool,
) -> Value {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    for (route, documentation) in documented(routes).filter(|(route, _)| is_served(route)) {
        let mut operation = operation(documentation);
        operation.insert("tags".to_owned(), json!([documentation.tag]));
        if documentation.internal {
            operation.insert("x-internal".to_owned(), json!(true));
        }
        operation.insert("x-guard".to_owned(), json!(route.rule.to_string()));
        operation.insert("security".to_owned(), security(route));
        refuse(&mut operation);
        let path = paths.entry(route.path.clone()).or_insert_with(|| json!({}));
        path[route.method.as_str().to_ascii_lowercase()] = Value::Object(operation);
        for (name, schema) in documentation.schemas() {
            schemas.insert(name, with_optional_parts(json!(schema)));
        }
    }
    schemas.insert("Refusal".to_owned(), refusal());
    json!({
        "openapi": "3.1.0",
        "info": { "title": TITLE, "description": ABOUT, "version": "v1" },
        "servers": [{ "url": config.base_url() }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "oauth2_implicit": {
                    "type": "oauth2",
                    "flows": {
                        "implicit": {
                            "authorizationUrl": format!("{}/oauth/authorize", config.base_url()),
                            "scopes": scopes(),
                        },
                    },
                },
                "session": { "type": "apiKey", "in": "cookie", "name": config.session.name },
            },
        },
    })
}

/// The documented routes.
fn documented(routes: &Routes) -> impl Iterator<Item = (&Route, &Documentation)> {
    routes
        .routes
        .iter()
        .filter_map(|route| Some((route, route.documentation.as_ref()?)))
}

fn operation(documentation: &Documentation) -> Map<String, Value> {
    let mut operation = match json!((documentation.operation)()) {
        Value::Object(operation) => operation,
        _ => Map::new(),
    };
    let parameters = operation.get_mut("parameters");
    for parameter in parameters
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if parameter["in"] == "path" && parameter["name"] == "repository" {
            parameter["schema"]["pattern"] = json!(REPOSITORY);
        }
    }
    let responses = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut);
    for response in responses.into_iter().flat_map(Map::values_mut) {
        // A text is a JSON text, too.
        if let Some(content) = response.get_mut("content").and_then(Value::as_object_mut)
            && let Some(text) = content.remove("text/plain")
        {
            content.insert("application/json".to_owned(), text);
        }
    }
    operation
}

/// A schema in which the optional parts of an object may be missing: they are flattened into it, so there is no null.
fn with_optional_parts(mut schema: Value) -> Value {
    let parts = schema.get_mut("allOf").and_then(Value::as_array_mut);
    for part in parts.into_iter().flatten() {
        let choices = part.get_mut("oneOf").and_then(Value::as_array_mut);
        if let Some(null) =
            choices.and_then(|choices| choices.iter_mut().find(|choice| choice["type"] == "null"))
        {
            *null = json!({ "type": "object" });
            part["anyOf"] = part["oneOf"].take();
            part.as_object_mut().map(|part| part.remove("oneOf"));
        }
    }
    schema
}

/// Adds what every operation may answer beside what is said of it.
fn refuse(operation: &mut Map<String, Value>) {
    let refusal = |text: &str| {
        json!({
            "description": text,
            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Refusal" } } },
        })
    };
    let responses = operation.entry("responses").or_insert_with(|| json!({}));
    for (status, text) in [
        (
            "400",
            "The request is malformed, or asks for what is not possible",
        ),
        ("401", "Nobody is signed in, or not freshly enough"),
        ("403", "The caller may not do this"),
        ("404", "There is no such thing, or the feature is off"),
        ("4XX", "Refused"),
        ("503", "The registry is read-only, or cannot answer now"),
    ] {
        if responses.get(status).is_none() {
            responses[status] = refusal(text);
        }
    }
    responses["429"] = json!({
        "description": "Too many failed sign-ins: the header `Retry-After` says for how many seconds the account is locked",
        "content": { "text/html": { "schema": { "type": "string" } } },
    });
}

/// What a refusal says, in one or several of these fields: clients look at `message`, `error` or `error_type`.
fn refusal() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "properties": {
            "message": {},
            "error": text,
            "error_message": text,
            "error_type": text,
            "detail": text,
            "title": text,
            "type": text,
            "status": { "type": "integer" },
        },
    })
}

fn security(route: &Route) -> Value {
    if route.rule.who == Who::Anyone {
        return json!([]);
    }
    let scopes: Vec<&str> = route.rule.scope.iter().map(|scope| scope.name()).collect();
    let mut ways = vec![
        json!({ "oauth2_implicit": scopes }),
        json!({ "session": [] }),
    ];
    if route.rule.who == Who::Public || route.rule.who == Who::RepositoryRead {
        ways.push(json!({}));
    }
    Value::Array(ways)
}

/// Every scope with a sentence about it.
fn scopes() -> Map<String, Value> {
    pierhead_auth::Scope::ALL
        .into_iter()
        .map(|scope| (scope.name().to_owned(), json!(about(scope))))
        .collect()
}

const fn about(scope: pierhead_auth::Scope) -> &'static str {
    use pierhead_auth::Scope;
    match scope {
        Scope::RepoRead => "See and pull every repository that the granting user sees",
        Scope::RepoWrite => {
            "See, pull and push every repository that the granting user may push to"
        }
        Scope::RepoAdmin => "Administer every repository that the granting user administers",
        Scope::RepoCreate => "Make repositories wherever the granting user may",
        Scope::UserRead => "See the granting user's name, e-mail address and organizations",
        Scope::UserAdmin => "Change the granting user's account, robots and tokens included",
        Scope::OrgAdmin => "Administer every organization that the granting user administers",
        Scope::SuperUser => "Administer the registry, if the granting user is a superuser",
    }
}

#[cfg(test)]
mod tests;
