//! Documents under `/.well-known` that tell other programs what this registry can do.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::json;

use crate::guard::Anyone;
use crate::json;
use crate::route::Routes;
use crate::state::Api;

pub(crate) fn routes() -> Routes {
    Routes::pages().get("/.well-known/app-capabilities", app_capabilities)
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
