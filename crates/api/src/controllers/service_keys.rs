//! `/api/v1/superuser/keys` and `/api/v1/superuser/approvedkeys` (api-v1.md §5.22): the keys by which services are known.

use std::collections::HashMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use chrono::NaiveDateTime;
use pierhead_auth::accounts::{AccountsError, NewServiceKey, ServiceKeyChange, ServiceKeyDetails};
use pierhead_db::UserId;
use pierhead_db::encoding::approval::ApprovalType;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::NO_CACHE;
use crate::dates;
use crate::error::{Error, Result};
use crate::extract::body::{nullable, present};
use crate::extract::{Body, Path};
use crate::guard::{Fresh, SuperuserOnly};
use crate::json::{self, NoContent};
use crate::route::{Feature, Routes, route};
use crate::services::service_keys::policy;
use crate::state::Api;
use crate::views::quota::NamespaceQuotas;
use crate::views::superuser_user::{SuperuserUserView, quotas};

const SUPER_USERS: Feature = |config| config.users.feature_super_users;

pub(crate) fn routes() -> Routes {
    Routes::tagged("superuser")
        .add(route!(list).when(SUPER_USERS))
        .add(route!(create).when(SUPER_USERS))
        .add(route!(get).when(SUPER_USERS))
        .add(route!(update).when(SUPER_USERS))
        .add(route!(delete).when(SUPER_USERS))
        .add(route!(approve).when(SUPER_USERS))
}

#[derive(Deserialize)]
struct KeyPath {
    kid: String,
}

/// How a key was approved.
#[derive(Debug, Serialize, ToSchema)]
struct ServiceKeyApproval {
    approver: Option<SuperuserUserView>,
    approval_type: Option<String>,
    approved_date: Option<String>,
    notes: Option<String>,
}

/// A key of a service.
#[derive(Debug, Serialize, ToSchema)]
struct ServiceKey {
    name: String,
    kid: String,
    service: String,
    #[schema(value_type = Object)]
    jwk: Value,
    #[schema(value_type = Object)]
    metadata: Value,
    created_date: String,
    expiration_date: Option<String>,
    rotation_duration: Option<i32>,
    approval: Option<ServiceKeyApproval>,
}

impl ServiceKey {
    /// Keys as superusers see them, with what the namespaces of those who approved them hold.
    async fn each(api: &Api, keys: Vec<ServiceKeyDetails>) -> Result<Vec<Self>> {
        let approvers: Vec<_> = keys
            .iter()
            .filter_map(ServiceKeyDetails::approver)
            .collect();
        let quotas = quotas(api, &approvers).await?;
        let keys = keys.into_iter().map(|key| Self::of(api, key, &quotas));
        Ok(keys.collect())
    }

    /// One key as the answer.
    async fn answer(api: &Api, key: ServiceKeyDetails) -> Result<Response> {
        let keys = Self::each(api, vec![key]).await?;
        Ok(json::compact(StatusCode::OK, json!(keys.first())))
    }

    fn of(api: &Api, key: ServiceKeyDetails, quotas: &HashMap<UserId, NamespaceQuotas>) -> Self {
        let object = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| json!({}));
        let approver = key.approver().map(|account| {
            let quotas = quotas.get(&account.id).cloned();
            SuperuserUserView::of(api, account, quotas)
        });
        let approval = key.approval_id.map(|_| ServiceKeyApproval {
            approver,
            approval_type: key.approval_type.map(|stored| {
                ApprovalType::parse(&stored).map_or(stored, |kind| kind.as_str().to_owned())
            }),
            approved_date: key.approved_date.map(dates::http),
            notes: key.notes,
        });
        Self {
            name: key.name,
            kid: key.kid,
            service: key.service,
            jwk: object(&key.jwk),
            metadata: object(&key.metadata),
            created_date: dates::http(key.created_date),
            expiration_date: key.expiration_date.map(dates::http),
            rotation_duration: key.rotation_duration,
            approval,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct ServiceKeys {
    keys: Vec<ServiceKey>,
}

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
struct CreateServiceKey {
    /// Which service.
    service: String,
    /// Its name, for people.
    #[serde(default, deserialize_with = "present")]
    name: Option<String>,
    /// What else there is to say.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
    /// Why it is approved.
    #[serde(default, deserialize_with = "present")]
    notes: Option<String>,
    /// When it ends, in seconds since 1970; null for never.
    #[serde(deserialize_with = "Option::deserialize")]
    expiration: Option<f64>,
}

/// A key with its private half, which is not shown again.
#[derive(Debug, Serialize, ToSchema)]
struct CreatedServiceKey {
    kid: String,
    name: String,
    service: String,
    public_key: String,
    private_key: String,
}

/// What to change of a key.
#[derive(Debug, Deserialize, ToSchema)]
struct PutServiceKey {
    /// Its name, for people.
    #[serde(default, deserialize_with = "present")]
    name: Option<String>,
    /// Keys to set in its metadata.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
    /// When it ends, in seconds since 1970; null for never.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<f64>)]
    expiration: Option<Option<f64>>,
}

/// Why a key is approved.
#[derive(Debug, Deserialize, ToSchema)]
struct ApproveServiceKey {
    #[serde(default, deserialize_with = "present")]
    notes: Option<String>,
}

#[utoipa::path(get, path = "/api/v1/superuser/keys", operation_id = "listServiceKeys",
    responses((status = 200, body = ServiceKeys, description = "Every key that is not long over")))]
async fn list(_guard: SuperuserOnly, State(api): State<Api>) -> Result<Response> {
    let found = api.accounts().list_service_keys(&policy(&api)).await?;
    let keys = ServiceKey::each(&api, found).await?;
    Ok(json::compact(StatusCode::OK, json!({ "keys": keys })))
}

#[utoipa::path(post, path = "/api/v1/superuser/keys", operation_id = "createServiceKey",
    request_body = CreateServiceKey,
    responses((status = 200, body = CreatedServiceKey, description = "The key with its private half, which is not shown again")))]
async fn create(
    guard: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Body(new): Body<CreateServiceKey>,
) -> Result<Response> {
    let mut metadata = new.metadata.unwrap_or_default();
    let caller = guard.caller();
    metadata.insert("created_by".to_owned(), json!("Quay Superuser Panel"));
    metadata.insert("creator".to_owned(), json!(guard.user().username));
    metadata.insert("ip".to_owned(), json!(caller.ip()));
    let (service, name) = (new.service, new.name.unwrap_or_default());
    let wanted = NewServiceKey {
        service: service.clone(),
        name: name.clone(),
        metadata,
        notes: new.notes.unwrap_or_default(),
        expires: new.expiration.map(date).transpose()?,
    };
    let made = api
        .accounts()
        .create_service_key(&caller.actor(), &policy(&api), wanted)
        .await
        .map_err(invalid)?;
    api.auth().service_keys().changed().await?;
    let answer = json!(CreatedServiceKey {
        kid: made.kid,
        name,
        service,
        public_key: made.public_key,
        private_key: made.private_key.expose().to_owned(),
    });
    let answer = json::compact(StatusCode::OK, answer);
    Ok(([(CACHE_CONTROL, NO_CACHE)], answer).into_response())
}

#[utoipa::path(get, path = "/api/v1/superuser/keys/{kid}", operation_id = "getServiceKey",
    params(("kid" = String, Path, description = "The unique identifier for a service key")),
    responses((status = 200, body = ServiceKey, description = "The key")))]
async fn get(
    _guard: SuperuserOnly,
    State(api): State<Api>,
    Path(path): Path<KeyPath>,
) -> Result<Response> {
    let key = api.accounts().service_key(&policy(&api), &path.kid).await?;
    ServiceKey::answer(&api, key).await
}

#[utoipa::path(put, path = "/api/v1/superuser/keys/{kid}", operation_id = "updateServiceKey",
    params(("kid" = String, Path, description = "The unique identifier for a service key")),
    request_body = PutServiceKey,
    responses((status = 200, body = ServiceKey, description = "The key as it is now")))]
async fn update(
    guard: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Path(path): Path<KeyPath>,
    Body(put): Body<PutServiceKey>,
) -> Result<Response> {
    let change = ServiceKeyChange {
        name: put.name,
        metadata: put.metadata,
        expires: match put.expiration {
            None => None,
            Some(None) => Some(None),
            Some(Some(seconds)) => Some(Some(date(seconds)?)),
        },
    };
    let key = api
        .accounts()
        .change_service_key(&guard.caller().actor(), &policy(&api), &path.kid, change)
        .await
        .map_err(|error| match error {
            AccountsError::ServiceKeyEndsInThePast => {
                Error::invalid_request("Cannot have an expiration date in the past")
            }
            error => invalid(error),
        })?;
    api.auth().service_keys().changed().await?;
    ServiceKey::answer(&api, key).await
}

#[utoipa::path(delete, path = "/api/v1/superuser/keys/{kid}", operation_id = "deleteServiceKey",
    params(("kid" = String, Path, description = "The unique identifier for a service key")),
    responses((status = 204, description = "The key verifies nothing any more")))]
async fn delete(
    guard: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Path(path): Path<KeyPath>,
) -> Result<NoContent> {
    api.accounts()
        .delete_service_key(&guard.caller().actor(), &policy(&api), &path.kid)
        .await?;
    api.auth().service_keys().changed().await?;
    Ok(NoContent)
}

#[utoipa::path(post, path = "/api/v1/superuser/approvedkeys/{kid}", operation_id = "approveServiceKey",
    params(("kid" = String, Path, description = "The unique identifier for a service key")),
    request_body = ApproveServiceKey,
    responses((status = 201, description = "The key is approved")))]
async fn approve(
    guard: Fresh<SuperuserOnly>,
    State(api): State<Api>,
    Path(path): Path<KeyPath>,
    Body(approval): Body<ApproveServiceKey>,
) -> Result<StatusCode> {
    let notes = approval.notes.unwrap_or_default();
    api.accounts()
        .approve_service_key(&guard.caller().actor(), &policy(&api), &path.kid, &notes)
        .await?;
    api.auth().service_keys().changed().await?;
    Ok(StatusCode::CREATED)
}

fn date(seconds: f64) -> Result<NaiveDateTime> {
    // A number that is no date becomes one that is none either.
    dates::from_epoch(seconds as i64)
        .ok_or_else(|| Error::invalid_request(format!("Invalid expiration date: {seconds}")))
}

/// Here refusals have shape a.
fn invalid(error: AccountsError) -> Error {
    if error.is_internal() || error.is_not_found() {
        error.into()
    } else {
        Error::invalid_request(error.to_string())
    }
}
