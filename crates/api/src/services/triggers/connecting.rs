//! Making a trigger: a row without settings, which belongs to who made it, with that person's token at the service. Where a
//! service has to be asked first, nothing is made unless it agrees. Codes count once, so what is made of one is stored although
//! the browser has gone.

use axum::http::StatusCode;
use pierhead_auth::Repository;
use pierhead_config::Secret;
use pierhead_db::UserId;
use pierhead_db::encoding::field::EncryptedColumn;
use pierhead_db::encoding::json_text;
use pierhead_db::enums::EnumTable;
use pierhead_db::queries::build_triggers::{self, NewTrigger};
use pierhead_registry::uninterrupted;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::hosts::ByCode;
use super::{Service, Trigger, auth_token, find_anywhere};
use crate::error::{Error, Result};
use crate::services::hosted::HostError;
use crate::state::Api;

/// Makes a trigger for any git server; returns its id.
pub(crate) async fn connect_custom(
    api: &Api,
    repository: &Repository,
    user: UserId,
) -> Result<String> {
    let uuid = Uuid::new_v4().to_string();
    let config = Map::new();
    insert(
        api,
        repository,
        user,
        Service::CustomGit,
        &uuid,
        &config,
        None,
    )
    .await?;
    Ok(uuid)
}

/// Makes a trigger with the code that a service sent the person back with; returns its id.
pub(crate) async fn connect_by_code(
    api: &Api,
    repository: &Repository,
    user: UserId,
    by: ByCode,
    code: &str,
) -> Result<String> {
    let (api, repository, code) = (api.clone(), repository.clone(), code.to_owned());
    uninterrupted(async move {
        let token = api.git_hosts().exchange(by, &code, &api.base_url()).await;
        let token = token.map_err(page_error)?;
        let service = match by {
            ByCode::GitHub => Service::GitHub,
            ByCode::GitLab => Service::GitLab,
        };
        with_token(&api, &repository, user, service, &token).await
    })
    .await
}

/// Makes a trigger for Bitbucket; returns the page where the person has to agree to it.
pub(crate) async fn connect_bitbucket(
    api: &Api,
    repository: &Repository,
    user: UserId,
) -> Result<String> {
    let uuid = Uuid::new_v4().to_string();
    let callback = format!(
        "{}/oauth1/bitbucket/callback/trigger/{uuid}",
        api.base_url()
    );
    let bitbucket = api.git_hosts().bitbucket();
    let request = bitbucket.request_token(&callback, api.clock()).await;
    let request = request.map_err(page_error)?;
    let config = Map::from_iter([("access_token".to_owned(), json!(request.token))]);
    let secret = Some(&request.secret);
    insert(
        api,
        repository,
        user,
        Service::Bitbucket,
        &uuid,
        &config,
        secret,
    )
    .await?;
    Ok(request.page)
}

/// Gets the token of a Bitbucket trigger once the person has agreed; nothing is left to do when the trigger has one.
/// `false` when that is too late: then the trigger is gone.
pub(crate) async fn finish_bitbucket(api: &Api, trigger: Trigger, verifier: &str) -> Result<bool> {
    let (api, verifier) = (api.clone(), verifier.to_owned());
    uninterrupted(async move { finish(&api, &trigger, &verifier).await }).await
}

async fn finish(api: &Api, trigger: &Trigger, verifier: &str) -> Result<bool> {
    if has_token(trigger) {
        return Ok(true);
    }
    let request = trigger.config.get("access_token").and_then(Value::as_str);
    let secret = auth_token(api, trigger).await?;
    let (Some(request), Some(secret)) = (request, secret) else {
        return forget(api, trigger).await;
    };
    let (bitbucket, clock) = (api.git_hosts().bitbucket(), api.clock());
    let token = match bitbucket.exchange(request, &secret, verifier, clock).await {
        Ok(token) => token,
        Err(error) if is_refusal(&error) => {
            tracing::info!(%error, trigger = trigger.row.uuid, "Bitbucket gave no token");
            return forget(api, trigger).await;
        }
        Err(error) => return Err(page_error(error)),
    };
    let account = bitbucket.account(&token, clock).await;
    let (account_id, nickname) = account.map_err(page_error)?;
    let mut config = trigger.config.clone();
    config.insert("account_id".to_owned(), json!(account_id));
    config.insert("nickname".to_owned(), json!(nickname));
    let config = json_text::write(&config)?;
    let token = seal(api, &token)?;
    let (id, from) = (trigger.row.id, trigger.row.config.clone());
    let stored = api
        .accounts()
        .write(move |conn| {
            Box::pin(async move {
                let stored = build_triggers::authorize(conn, id, &from, &config, &token).await?;
                Ok::<_, Error>(stored > 0)
            })
        })
        .await?;
    Ok(stored || is_finished(api, trigger).await?)
}

/// Whether a Bitbucket trigger is past what it waits for when it is made. Then its request token does not count any more,
/// which says nothing about the trigger.
fn has_token(trigger: &Trigger) -> bool {
    trigger.is_active() || trigger.config.contains_key("account_id")
}

/// The same as it is now.
async fn is_finished(api: &Api, trigger: &Trigger) -> Result<bool> {
    let now = find_anywhere(api, &trigger.row.uuid).await?;
    Ok(now.as_ref().is_some_and(has_token))
}

/// Whether the person's consent does not count, rather than that Bitbucket fails.
fn is_refusal(error: &HostError) -> bool {
    let refusals = [
        StatusCode::BAD_REQUEST,
        StatusCode::UNAUTHORIZED,
        StatusCode::FORBIDDEN,
    ];
    matches!(error, HostError::Refused(_)) || refusals.iter().any(|status| error.is_status(*status))
}

/// Removes a trigger that never got its token. `true` if it has got one meanwhile.
async fn forget(api: &Api, trigger: &Trigger) -> Result<bool> {
    let (id, from) = (trigger.row.id, trigger.row.config.clone());
    let removed = api
        .accounts()
        .write(move |conn| {
            Box::pin(async move { Ok::<_, Error>(build_triggers::delete(conn, id, &from).await?) })
        })
        .await?;
    Ok(removed == 0 && is_finished(api, trigger).await?)
}

async fn with_token(
    api: &Api,
    repository: &Repository,
    user: UserId,
    service: Service,
    token: &Secret,
) -> Result<String> {
    let uuid = Uuid::new_v4().to_string();
    insert(
        api,
        repository,
        user,
        service,
        &uuid,
        &Map::new(),
        Some(token),
    )
    .await?;
    Ok(uuid)
}

async fn insert(
    api: &Api,
    repository: &Repository,
    user: UserId,
    service: Service,
    uuid: &str,
    config: &Map<String, Value>,
    token: Option<&Secret>,
) -> Result<()> {
    let kind = api
        .enums()
        .find(EnumTable::BuildTriggerService, service.name())
        .ok_or_else(|| {
            let text = format!("the database knows no trigger service {}", service.name());
            Error::Internal(text)
        })?;
    let config = json_text::write(config)?;
    let token = token.map(|token| seal(api, token)).transpose()?;
    let (uuid, repository, now) = (uuid.to_owned(), repository.id, api.accounts().now());
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                let new = NewTrigger {
                    uuid: &uuid,
                    service: kind,
                    repository,
                    user,
                    config: &config,
                    auth_token: token.as_deref(),
                    now,
                };
                build_triggers::insert(conn, &new).await?;
                Ok::<_, Error>(())
            })
        })
        .await
}

fn seal(api: &Api, token: &Secret) -> Result<String> {
    let column = EncryptedColumn::TRIGGER_AUTH_TOKEN;
    Ok(api.cipher().encrypt(column, token.expose())?)
}

/// What a browser is told when a service does not agree.
fn page_error(error: HostError) -> Error {
    match error {
        HostError::Refused(text) => Error::web(StatusCode::NOT_FOUND, text),
        error => {
            let (_, text) = error.outcome();
            Error::web(StatusCode::BAD_GATEWAY, text)
        }
    }
}
