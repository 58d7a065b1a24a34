//! Documents that tell other programs what this registry can do: under `/.well-known`, and the description of the API.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use crate::caller::Caller;
use crate::description::rendered::{self, Kind};
use crate::error::Result;
use crate::extract::{Query, query};
use crate::guard::Anyone;
use crate::json;
use crate::route::{Routes, route};
use crate::state::Api;

pub(crate) fn routes() -> Routes {
    Routes::tagged("discovery")
        .get("/.well-known/app-capabilities", app_capabilities)
        .get("/api/v1/openapi.json", openapi)
        .add(route!(discovery).anonymous())
}

#[derive(Deserialize)]
struct Discovery {
    #[serde(default, deserialize_with = "query::flag")]
    internal: bool,
}

/// List all of the API endpoints available in the swagger API format.
#[utoipa::path(
    get,
    path = "/api/v1/discovery",
    operation_id = "discovery",
    params(("internal" = Option<bool>, Query, description = "Whether to include internal APIs.")),
    responses((status = 200, description = "Swagger 2.0", body = serde_json::Value))
)]
async fn discovery(
    _: Caller,
    State(api): State<Api>,
    headers: HeaderMap,
    Query(query): Query<Discovery>,
) -> Result<Response> {
    let internal = query.internal;
    rendered::answer(&api, Kind::Swagger { internal }, &headers).await
}

/// The same in OpenAPI 3.1.
async fn openapi(_: Anyone, State(api): State<Api>, headers: HeaderMap) -> Result<Response> {
    rendered::answer(&api, Kind::OpenApi, &headers).await
}

/// `GET /.well-known/app-capabilities`: templates of addresses, as Quay publishes them.
async fn app_capabilities(_: Anyone, State(api): State<Api>, headers: HeaderMap) -> Response {
    let base = api.0.config.seen_with(&headers).base_url();
    let repository = format!("{base}/api/v1/repository/{{namespace}}/{{reponame}}");
    json::spaced(&json!({
        "appName": "io.quay",
        "capabilities": {
            "io.quay.view-image": {
                "url-template": format!("{base}/{{namespace}}/{{reponame}}:{{tag}}"),
            },
            "io.quay.image-security": {
                "rest-api-template": format!("{repository}/image/{{imageid}}/security"),
                "deprecated": true,
            },
            "io.quay.manifest-security": {
                "rest-api-template": format!("{repository}/manifest/{{digest}}/security"),
            },
        },
    }))
}
