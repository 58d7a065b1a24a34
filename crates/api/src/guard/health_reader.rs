//! Routes of health: for anybody, and with details for who operates the registry. Nobody is refused, and a database that does
//! not answer delays nobody longer than a check: who asks then is told what everybody is told.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use pierhead_auth::Credential;

use super::{Guard, Rule, Who};
use crate::extract::basic;
use crate::session::Session;
use crate::state::Api;

/// In a session that knows `ENABLE_HEALTH_DEBUG_SECRET` (Quay's key).
pub(crate) const HEALTH_DEBUG: &str = "health_debug";

/// Anybody.
pub(crate) struct HealthReader {
    sees_details: bool,
}

impl HealthReader {
    /// Whether this is somebody who may see why something is unhealthy: a superuser, by a web session or by name and
    /// password, or a session that knows the secret.
    pub(crate) fn sees_details(&self) -> bool {
        self.sees_details
    }
}

impl Guard for HealthReader {
    const RULE: Rule = Rule::of(Who::Anyone, None);
}

impl FromRequestParts<Api> for HealthReader {
    type Rejection = crate::error::Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Self::Rejection> {
        let session = Session::of(parts);
        let sees_details = session.flag(HEALTH_DEBUG) || {
            let limit = api.0.config.health.check_limit;
            let credential = tokio::time::timeout(limit, credential(parts, api, &session)).await;
            credential
                .ok()
                .flatten()
                .is_some_and(|credential| api.auth().is_superuser(&credential))
        };
        Ok(Self { sees_details })
    }
}

async fn credential(parts: &Parts, api: &Api, session: &Session) -> Option<Credential> {
    if let Some((username, password)) = basic(&parts.headers) {
        return api.auth().basic(&username, &password).await.ok();
    }
    let uuid = session.user_uuid()?;
    api.auth().session(&uuid).await.ok()?
}
