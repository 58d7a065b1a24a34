//! `/signin`, `/signin/verify`, `/signout`, `/detachexternal` (api-v1.md §5.1).

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use pierhead_auth::Account;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::extract::{Body, Path, body};
use crate::guard::{AdminUser, SignedIn};
use crate::json::{self, Json};
use crate::route::{Routes, route};
use crate::services::users::sign_in::{self, Attempt, Outcome};
use crate::session::{Client, Session};
use crate::state::Api;

/// The token that the next change by this session must carry.
pub(super) const NEXT_CSRF_TOKEN: &str = "x-next-csrf-token";

pub(super) fn routes() -> Routes {
    Routes::tagged("user")
        .add(
            route!(signin_user)
                .internal()
                .anonymous()
                .in_read_only()
                .when(|config| config.auth.feature_direct_login),
        )
        .add(route!(verify_user).internal().in_read_only())
        .add(route!(logout).internal())
        .add(
            route!(detach_external_login)
                .internal()
                .when(|config| config.auth.feature_direct_login),
        )
}

/// It worked.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Success {
    success: bool,
}

/// See [`Success`].
pub(super) const SUCCESS: Success = Success { success: true };

/// Name and password.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SigninUser {
    /// The name, or the e-mail address.
    username: String,
    /// The password.
    password: String,
    /// The token of a team invitation.
    #[serde(default, deserialize_with = "body::present")]
    invite_code: Option<String>,
}

/// Why somebody is not signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Refusal {
    /// The address of the account is to be confirmed first.
    #[serde(rename = "needsEmailVerification")]
    needs_email_verification: bool,
    /// Name or password are wrong.
    #[serde(rename = "invalidCredentials")]
    invalid_credentials: bool,
    /// For people.
    message: Option<String>,
}

/// Signs in with name and password.
#[utoipa::path(post, path = "/api/v1/signin", operation_id = "signinUser", request_body = SigninUser,
    responses((status = 200, body = Success, description = "Signed in; the header X-Next-CSRF-Token has the new token"),
        (status = 403, body = Refusal, description = "Refused"),
        (status = 429, description = "Too many failed attempts")))]
pub(crate) async fn signin_user(
    caller: Caller,
    State(api): State<Api>,
    Body(given): Body<SigninUser>,
) -> Result<Response> {
    conduct(
        &api,
        &caller,
        Attempt {
            login: &given.username,
            password: &given.password,
            invite_code: given.invite_code.as_deref(),
        },
    )
    .await
}

/// Signs somebody in, or says why not.
pub(super) async fn conduct(api: &Api, caller: &Caller, attempt: Attempt<'_>) -> Result<Response> {
    let outcome = sign_in::sign_in(api, &caller.actor(), caller.user_agent(), attempt).await?;
    let refusal = match outcome {
        Outcome::SignedIn(account) => {
            return open_session(api, caller, &account, Json(SUCCESS).into_response());
        }
        Outcome::Unverified => Refusal {
            needs_email_verification: true,
            invalid_credentials: false,
            message: None,
        },
        Outcome::Refused(message) => Refusal {
            needs_email_verification: false,
            invalid_credentials: true,
            message: Some(message),
        },
    };
    Ok(json::answer(StatusCode::FORBIDDEN, &refusal))
}

/// Gives the browser a session of this person, and the answer its new token.
pub(super) fn open_session(
    api: &Api,
    caller: &Caller,
    account: &Account,
    answer: Response,
) -> Result<Response> {
    let uuid = account
        .uuid
        .as_deref()
        .ok_or_else(|| Error::Internal(format!("user {} has no uuid", account.id)))?;
    open_session_of(api, caller, uuid, answer)
}

/// The same, for the person with that uuid.
pub(crate) fn open_session_of(
    api: &Api,
    caller: &Caller,
    uuid: &str,
    mut answer: Response,
) -> Result<Response> {
    let client = Client {
        ip: caller.ip(),
        user_agent: caller.user_agent(),
    };
    let token = open(api, caller.session(), &client, uuid)?;
    answer.headers_mut().insert(NEXT_CSRF_TOKEN, token);
    Ok(answer)
}

/// Makes a session one of the person with that uuid, and returns the token that its next change must carry.
pub(super) fn open(
    api: &Api,
    session: &Session,
    client: &Client<'_>,
    uuid: &str,
) -> Result<HeaderValue> {
    let now = api.clock().now_naive().and_utc();
    let token = session.sign_in(&api.0.config.session, uuid, client, now)?;
    HeaderValue::from_str(&token)
        .map_err(|_| Error::Internal("a CSRF token is no header".to_owned()))
}

/// A password.
#[derive(Deserialize, ToSchema)]
pub(crate) struct VerifyUser {
    /// The password of who is signed in.
    password: String,
}

/// The password is wrong.
#[derive(Debug, Serialize, ToSchema)]
struct WrongPassword {
    message: String,
    #[serde(rename = "invalidCredentials")]
    invalid_credentials: bool,
}

/// Proves the password again, for what needs a fresh sign-in.
#[utoipa::path(post, path = "/api/v1/signin/verify", operation_id = "verifyUser", request_body = VerifyUser,
    responses((status = 200, body = Success, description = "The session is fresh again"),
        (status = 403, body = WrongPassword, description = "Another password")))]
pub(crate) async fn verify_user(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Body(given): Body<VerifyUser>,
) -> Result<Response> {
    match sign_in::confirm(&api, guard.user(), &given.password).await? {
        Ok(account) if sign_in::is_verified(&api, account.id).await? => open_session(
            &api,
            guard.caller(),
            &account,
            Json(SUCCESS).into_response(),
        ),
        Ok(_) => Err(Error::message(
            StatusCode::FORBIDDEN,
            "Could not verify user.",
        )),
        Err(message) => Ok(json::answer(
            StatusCode::FORBIDDEN,
            &WrongPassword {
                message,
                invalid_credentials: true,
            },
        )),
    }
}

/// Signs out, everywhere.
#[utoipa::path(post, path = "/api/v1/signout", operation_id = "logout",
    responses((status = 200, body = Success, description = "Every session of the account has ended")))]
pub(crate) async fn logout(caller: Caller, State(api): State<Api>) -> Result<Response> {
    if let Some(user) = caller.user() {
        api.accounts().sign_out(&caller.actor(), user.id).await?;
        api.auth().forget_principal(user.id);
    }
    caller.session().sign_out();
    Ok(Json(SUCCESS).into_response())
}

/// Takes an external identity away from the account.
#[utoipa::path(post, path = "/api/v1/detachexternal/{service_id}", operation_id = "detachExternalLogin",
    params(("service_id" = String, Path, description = "The identity provider")),
    responses((status = 200, body = Success, description = "It is not linked (any more)")))]
pub(crate) async fn detach_external_login(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Path(service): Path<String>,
) -> Result<Json<Success>> {
    api.accounts()
        .detach_login(guard.user().id, &service)
        .await?;
    Ok(Json(SUCCESS))
}
