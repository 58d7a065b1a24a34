//! Where the links of mails lead: `/confirm`, `/recovery` (api-v1.md §6.5), which sign in who follows them and go on to a page
//! of the console, and `/authrepoemail`, for the owners of addresses that are told about a repository. A link that is worth nothing leads to a page that says so.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use pierhead_auth::accounts::{AccountsError, Actor};
use pierhead_db::queries::profiles::Profile;
use pierhead_mail::Letter;
use serde::Deserialize;

use super::{NO_CACHE, landing};
use crate::caller::Caller;
use crate::controllers::users::session::open_session_of;
use crate::error::{Error, Result};
use crate::extract::Query;
use crate::landing::message;
use crate::route::{Route, Routes};
use crate::services::users::{notify, recovery};
use crate::state::Api;

pub(crate) fn routes() -> Routes {
    Routes::pages()
        .add(
            Route::page(Method::GET, "/confirm", confirm)
                .anonymous()
                .when(|config| config.mail.feature_mailing),
        )
        .add(
            Route::page(Method::GET, "/authrepoemail", authorize_email)
                .anonymous()
                .when(|config| config.mail.feature_mailing),
        )
        .add(
            Route::page(Method::GET, "/recovery", recover)
                .anonymous()
                .when(|config| config.mail.feature_mailing),
        )
}

/// The code of a link.
#[derive(Deserialize)]
pub(super) struct Link {
    code: Option<String>,
}

impl Link {
    /// The code.
    ///
    /// # Errors
    /// 400 when there is none, as Quay's framework says it.
    pub(super) fn code(&self) -> Result<&str> {
        self.code.as_deref().ok_or_else(Error::not_understood)
    }
}

/// `GET /confirm`: confirms an address, or puts it in the place of the old one.
async fn confirm(
    caller: Caller,
    State(api): State<Api>,
    Query(link): Query<Link>,
) -> Result<Response> {
    refuse_in_read_only(&api)?;
    // As in Quay nobody did it: whoever has the link need not be who is signed in here.
    let actor = Actor {
        ip: caller.ip().map(str::to_owned),
        ..Actor::default()
    };
    let confirmed = match api.accounts().confirm_address(&actor, link.code()?).await {
        Ok(confirmed) => confirmed,
        Err(error @ (AccountsError::InvalidCode | AccountsError::AddressInUse)) => {
            return Ok(page(&error.to_string()));
        }
        Err(error) => return Err(error.into()),
    };
    let user = confirmed.user;
    api.auth().forget_principal(user.id);
    let target = if confirmed.has_prompts {
        "/updateuser".to_owned()
    } else if confirmed.old_email.is_some() {
        format!("/user/{}?tab=settings", user.username)
    } else {
        "/".to_owned()
    };
    if let Some(old_email) = confirmed.old_email {
        let username = user.username.clone();
        notify(&api, &old_email, Letter::AddressChanged { username });
    }
    go_on(&api, &caller, &user, &target)
}

/// `GET /recovery`: signs in, to where the password is changed.
async fn recover(
    caller: Caller,
    State(api): State<Api>,
    Query(link): Query<Link>,
) -> Result<Response> {
    refuse_in_read_only(&api)?;
    let Some(user) = recovery::recover(&api, link.code()?).await? else {
        return Ok(page(
            "Invalid recovery code: This code is invalid or may have already been used.",
        ));
    };
    api.auth().forget_principal(user.id);
    let target = format!("/user/{}?tab=settings&action=password", user.username);
    go_on(&api, &caller, &user, &target)
}

/// `GET /authrepoemail`: the owner of an address agrees to be told about a repository.
async fn authorize_email(
    _: Caller,
    State(api): State<Api>,
    Query(link): Query<Link>,
) -> Result<Response> {
    refuse_in_read_only(&api)?;
    match api
        .accounts()
        .confirm_email_for_repository(link.code()?)
        .await
    {
        Ok(repository) => Ok(page(&format!(
            "Your E-mail address has been authorized to receive notifications for repository {repository}."
        ))),
        Err(error @ AccountsError::InvalidCode) => Ok(page(&error.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// Although these are GETs.
fn refuse_in_read_only(api: &Api) -> Result<()> {
    if api.is_read_only() {
        return Err(Error::ReadOnly);
    }
    Ok(())
}

/// Signs a person in, and sends the browser to a page.
fn go_on(api: &Api, caller: &Caller, user: &Profile, target: &str) -> Result<Response> {
    let Some(uuid) = user.uuid.as_deref().filter(|_| user.enabled) else {
        return Ok(page("Could not perform login."));
    };
    let target = HeaderValue::from_str(target)
        .map_err(|_| Error::Internal("a user name is no part of an address".to_owned()))?;
    let headers = [(LOCATION, target), (CACHE_CONTROL, NO_CACHE)];
    let answer = (StatusCode::FOUND, headers).into_response();
    open_session_of(api, caller, uuid, answer)
}

fn page(text: &str) -> Response {
    let page = landing::html(StatusCode::OK, message("Link", text));
    ([(CACHE_CONTROL, NO_CACHE)], page).into_response()
}
