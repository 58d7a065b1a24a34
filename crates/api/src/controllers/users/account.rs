//! `/user/`, `/users/<username>`, `/user/clientkey`, `/user/convert`, `/recovery` (api-v1.md §5.1).

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use pierhead_auth::accounts::{Detail, Registration};
use pierhead_config::Secret;
use pierhead_config::sections::auth::AuthenticationType;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::extract::{Body, Path, body};
use crate::guard::{AdminUser, Fresh, OwnAccount, SignedIn};
use crate::json::{Json, NoContent};
use crate::route::{Routes, route};
use crate::services::users::profile::{self, Wanted};
use crate::services::users::recovery::{self, Answer};
use crate::services::users::registration::{self, Applicant, Outcome};
use crate::services::users::sign_in::{self, Attempt};
use crate::state::Api;
use crate::views::user::UserView;

use super::session::{conduct, open_session_of};

pub(super) fn routes() -> Routes {
    Routes::tagged("user")
        .add(route!(get_logged_in_user).anonymous())
        .add(route!(change_user_details).internal())
        .add(
            route!(create_new_user).internal().when(|config| {
                config.users.feature_user_creation && config.auth.feature_direct_login
            }),
        )
        .add(route!(delete_current_user).internal())
        .add(route!(get_user_information))
        .add(route!(generate_user_client_key).internal())
        .add(
            route!(convert_user_to_organization)
                .internal()
                .when(|config| config.auth.authentication_type == AuthenticationType::Database),
        )
        .add(
            route!(request_recovery_email)
                .internal()
                .anonymous()
                .when(|config| config.mail.feature_mailing),
        )
}

/// Who calls.
#[utoipa::path(get, path = "/api/v1/user/", operation_id = "getLoggedInUser",
    responses((status = 200, body = UserView, description = "The account of the caller"),
        (status = 401, description = "Nobody, or without the scope user:read")))]
pub(crate) async fn get_logged_in_user(
    guard: OwnAccount,
    State(api): State<Api>,
) -> Result<Json<UserView>> {
    let user = profile::by_id(&api, guard.user().id)
        .await?
        .ok_or_else(|| Error::unauthorized(guard.caller()))?;
    Ok(Json(UserView::of(&api, guard.caller(), &user).await?))
}

/// What is to change of one's account; what is missing stays.
#[derive(Deserialize, ToSchema)]
pub(crate) struct UpdateUser {
    /// A new password. Every session ends.
    #[serde(default, deserialize_with = "body::present")]
    password: Option<String>,
    /// Whether invoices are sent.
    #[serde(default, deserialize_with = "body::present")]
    invoice_email: Option<bool>,
    /// A new address. Where mail is sent, it is to be confirmed first.
    #[serde(default, deserialize_with = "body::present")]
    email: Option<String>,
    /// How long deleted tags can be brought back, in seconds: one of `TAG_EXPIRATION_OPTIONS`.
    #[serde(default, deserialize_with = "body::present")]
    #[schema(minimum = 0)]
    tag_expiration_s: Option<u32>,
    /// A new name, if people may rename themselves.
    #[serde(default, deserialize_with = "body::present")]
    username: Option<String>,
    /// Where invoices are sent.
    #[serde(default, deserialize_with = "body::nullable")]
    #[schema(value_type = Option<String>)]
    invoice_email_address: Option<Option<String>>,
    /// For people.
    #[serde(default, deserialize_with = "body::nullable")]
    #[schema(value_type = Option<String>)]
    given_name: Option<Option<String>>,
    /// For people.
    #[serde(default, deserialize_with = "body::nullable")]
    #[schema(value_type = Option<String>)]
    family_name: Option<Option<String>>,
    /// For people.
    #[serde(default, deserialize_with = "body::nullable")]
    #[schema(value_type = Option<String>)]
    company: Option<Option<String>>,
    /// For people.
    #[serde(default, deserialize_with = "body::nullable")]
    #[schema(value_type = Option<String>)]
    location: Option<Option<String>>,
}

impl From<UpdateUser> for Wanted {
    fn from(given: UpdateUser) -> Self {
        let details = [
            (Detail::GivenName, given.given_name),
            (Detail::FamilyName, given.family_name),
            (Detail::Company, given.company),
            (Detail::Location, given.location),
        ];
        Self {
            password: given.password.map(Secret::new),
            invoice_email: given.invoice_email,
            invoice_email_address: given.invoice_email_address,
            tag_expiration_s: given.tag_expiration_s.map(i64::from),
            email: given.email,
            details: details
                .into_iter()
                .filter_map(|(detail, value)| Some((detail, value?)))
                .collect(),
            username: given.username,
        }
    }
}

/// Changes the account of the caller.
#[utoipa::path(put, path = "/api/v1/user/", operation_id = "changeUserDetails", request_body = UpdateUser,
    responses((status = 200, body = UserView, description = "The account as it is now"),
        (status = 400, description = "A value is malformed or taken; nothing changed")))]
pub(crate) async fn change_user_details(
    guard: Fresh<SignedIn<AdminUser>>,
    State(api): State<Api>,
    Body(given): Body<UpdateUser>,
) -> Result<Response> {
    let caller = guard.caller();
    let changed = profile::change(&api, &caller.actor(), guard.user().id, given.into()).await?;
    let answer = Json(UserView::of(&api, caller, &changed.user).await?).into_response();
    match &changed.user.uuid {
        Some(uuid) if changed.password && !caller.has_token() => {
            open_session_of(&api, caller, uuid, answer)
        }
        _ => Ok(answer),
    }
}

/// Somebody who wants an account.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewUser {
    /// The name.
    username: String,
    /// At least 8 characters without white space.
    password: String,
    /// The address; required where mail is sent.
    #[serde(default, deserialize_with = "body::present")]
    email: Option<String>,
    /// The token of a team invitation.
    #[serde(default, deserialize_with = "body::present")]
    invite_code: Option<String>,
    /// The answer to the captcha.
    #[serde(default, deserialize_with = "body::present")]
    recaptcha_response: Option<String>,
}

/// Registers a person.
#[utoipa::path(post, path = "/api/v1/user/", operation_id = "createNewUser", request_body = NewUser,
    responses((status = 200, body = UserView,
            description = "Registered and signed in; or `{\"awaiting_verification\": true}`, and a mail is on its way"),
        (status = 400, description = "A value is malformed or taken, or the site does not want the person")))]
pub(crate) async fn create_new_user(
    caller: Caller,
    State(api): State<Api>,
    Body(given): Body<NewUser>,
) -> Result<Response> {
    if !api.is_database_auth() {
        return Err(Error::no_such_page());
    }
    let applicant = Applicant {
        registration: Registration {
            username: given.username,
            password: Secret::new(given.password),
            email: given.email,
            invite_code: given.invite_code,
        },
        captcha: given.recaptcha_response.as_deref().unwrap_or_default(),
        asker: caller.user().map(|user| user.username.as_str()),
    };
    match registration::register(&api, &caller.actor(), applicant).await? {
        Outcome::AwaitsConfirmation => {
            Ok(Json(json!({ "awaiting_verification": true })).into_response())
        }
        Outcome::Ready(id) => {
            let user = profile::by_id(&api, id)
                .await?
                .ok_or_else(|| Error::Internal(format!("user {id} is gone")))?;
            let answer = Json(UserView::of_newcomer(&api, &caller, &user).await?).into_response();
            match &user.uuid {
                Some(uuid) => open_session_of(&api, &caller, uuid, answer),
                None => Ok(answer),
            }
        }
    }
}

/// Deletes the account of the caller, with everything in its namespace.
#[utoipa::path(delete, path = "/api/v1/user/", operation_id = "deleteCurrentUser",
    responses((status = 204, description = "The account is gone from sight; its content is collected later"),
        (status = 400, description = "The caller is the only one who administers an organization")))]
pub(crate) async fn delete_current_user(
    guard: Fresh<SignedIn<AdminUser>>,
    State(api): State<Api>,
) -> Result<NoContent> {
    if !api.is_database_auth() {
        return Err(Error::no_such_page());
    }
    let caller = guard.caller();
    profile::delete(&api, &caller.actor(), &guard.user().username).await?;
    caller.session().sign_out();
    Ok(NoContent)
}

/// Somebody by name.
#[utoipa::path(get, path = "/api/v1/users/{username}", operation_id = "getUserInformation",
    params(("username" = String, Path, description = "The name of a person")),
    responses((status = 200, body = UserView, description = "The person"), (status = 404, description = "Nobody has that name")))]
pub(crate) async fn get_user_information(
    caller: Caller,
    State(api): State<Api>,
    Path(username): Path<String>,
) -> Result<Json<UserView>> {
    let user = profile::by_name(&api, &username)
        .await?
        .ok_or_else(Error::no_such_page)?;
    Ok(Json(UserView::of(&api, &caller, &user).await?))
}

/// A password.
#[derive(Deserialize, ToSchema)]
pub(crate) struct GenerateClientKey {
    /// The password of the caller.
    password: String,
}

/// A password for clients.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClientKey {
    /// The encrypted password.
    key: String,
}

/// The password of the caller in the form that command-line clients may keep.
#[utoipa::path(post, path = "/api/v1/user/clientkey", operation_id = "generateUserClientKey",
    request_body = GenerateClientKey,
    responses((status = 200, body = ClientKey, description = "The encrypted password"),
        (status = 400, description = "Another password")))]
pub(crate) async fn generate_user_client_key(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Body(given): Body<GenerateClientKey>,
) -> Result<Json<ClientKey>> {
    if !api.is_database_auth() {
        return Err(Error::not_found());
    }
    let user = guard.user();
    sign_in::confirm(&api, user, &given.password)
        .await?
        .map_err(Error::invalid_request)?;
    let key = api
        .accounts()
        .encrypted_password(
            &guard.caller().actor(),
            user.id,
            &Secret::new(given.password),
        )
        .await?;
    Ok(Json(ClientKey {
        key: key.expose().to_owned(),
    }))
}

/// Who administers the organization that the caller becomes.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ConvertUser {
    /// The name of another person.
    #[serde(rename = "adminUser")]
    admin_user: String,
    /// The password of that person.
    #[serde(rename = "adminPassword")]
    admin_password: String,
    /// Of hosted Quay; not used.
    #[serde(default, deserialize_with = "body::present")]
    #[allow(dead_code, reason = "clients send it, and a wrong type is refused")]
    plan: Option<String>,
}

/// Makes the account of the caller an organization, and signs in the one who administers it.
#[utoipa::path(post, path = "/api/v1/user/convert", operation_id = "convertUserToOrganization",
    request_body = ConvertUser,
    responses((status = 200, body = super::session::Success, description = "The other person is signed in"),
        (status = 400, description = "The other person is the caller, or the password is wrong")))]
pub(crate) async fn convert_user_to_organization(
    guard: SignedIn<AdminUser>,
    State(api): State<Api>,
    Body(given): Body<ConvertUser>,
) -> Result<Response> {
    let caller = guard.caller();
    let admin = sign_in::check(&api, &given.admin_user, &given.admin_password)
        .await?
        .ok_or_else(|| invalid_user("The admin user credentials are not valid"))?;
    if admin.id == guard.user().id {
        return Err(invalid_user("The admin user is not valid"));
    }
    api.accounts()
        .convert_to_organization(&caller.actor(), guard.user().id, admin.id)
        .await?;
    api.auth().forget_everything();
    let attempt = Attempt {
        login: &given.admin_user,
        password: &given.admin_password,
        invite_code: None,
    };
    conduct(&api, caller, attempt).await
}

fn invalid_user(text: &str) -> Error {
    let mut payload = Map::new();
    payload.insert("reason".to_owned(), Value::from("invaliduser"));
    Error::invalid_request(text).with_payload(payload)
}

/// Whose account is to be recovered.
#[derive(Deserialize, ToSchema)]
pub(crate) struct RequestRecovery {
    /// The address of the account.
    email: String,
    /// The answer to the captcha.
    #[serde(default, deserialize_with = "body::present")]
    recaptcha_response: Option<String>,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecoveryAnswer {
    /// `sent`, also if nobody has the address; or `org`, if only organizations have it.
    #[schema(value_type = String)]
    status: &'static str,
    /// The address of the organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    orgemail: Option<String>,
    /// The name of the organization, partly hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    orgname: Option<String>,
}

/// Sends a link with which the owner of an address can sign in once.
#[utoipa::path(post, path = "/api/v1/recovery", operation_id = "requestRecoveryEmail", request_body = RequestRecovery,
    responses((status = 200, body = RecoveryAnswer, description = "Sent"),
        (status = 400, description = "No mail can be sent, or the captcha was not solved")))]
pub(crate) async fn request_recovery_email(
    caller: Caller,
    State(api): State<Api>,
    Body(given): Body<RequestRecovery>,
) -> Result<Json<RecoveryAnswer>> {
    let captcha = given.recaptcha_response.as_deref().unwrap_or_default();
    let answer = recovery::request(&api, &given.email, captcha, caller.ip()).await?;
    Ok(Json(match answer {
        Answer::Sent => RecoveryAnswer {
            status: "sent",
            orgemail: None,
            orgname: None,
        },
        Answer::Organization(name) => RecoveryAnswer {
            status: "org",
            orgemail: Some(given.email),
            orgname: Some(name),
        },
    }))
}
