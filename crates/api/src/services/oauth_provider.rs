//! The rules of the OAuth provider (api-v1.md §6.2, RFC 6749): who may give an application a token, and how the browser is told.
//!
//! As in Quay, only administrators of the application's organization, and people to whom an administrator assigned it, may
//! give it a token. Unlike Quay, nothing is sent to a redirect URI that is not the application's, errors included: RFC 6749
//! §4.1.2.1 forbids it, since this would be an open redirect.

use pierhead_auth::accounts::{
    AccountsError, OAUTH_TOKEN_LIFETIME_S, OAuthApplication, belongs_to_application,
    with_parameters,
};
use pierhead_auth::{Account, Scopes};

use crate::error::{Error, Result};
use crate::state::Api;

/// What a browser asks for on behalf of an application.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// `token` or `code`.
    pub(crate) response_type: String,
    /// The application.
    pub(crate) client_id: String,
    /// Where the browser goes afterwards.
    pub(crate) redirect_uri: String,
    /// Scopes, separated by spaces or commas.
    pub(crate) scope: String,
    /// What the application gets back as it is.
    pub(crate) state: Option<String>,
    /// An assignment that the person takes.
    pub(crate) assignment: Option<String>,
}

/// What the browser is told.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// To go there.
    Redirect(String),
    /// That something is wrong, if there is nowhere to go.
    Refused(&'static str),
}

impl Request {
    /// The page of this registry that shows a token.
    pub(crate) fn local_page(api: &Api) -> String {
        let path = &api.config().tokens.local_oauth_handler;
        format!("{}{path}", api.base_url())
    }

    fn redirects_to(&self, api: &Api, application: &OAuthApplication) -> bool {
        belongs_to_application(&self.redirect_uri, application, &Self::local_page(api))
    }

    fn error(&self, error: &'static str) -> Outcome {
        Outcome::Redirect(with_parameters(&self.redirect_uri, &[("error", error)]))
    }

    /// The parameters that come back with a token or code.
    fn parameters(&self) -> Vec<(&str, &str)> {
        let state = self.state.as_deref().map(|state| ("state", state));
        [("scope", self.scope.as_str())]
            .into_iter()
            .chain(state)
            .collect()
    }
}

/// The application with that client id.
pub(crate) async fn application(api: &Api, client_id: &str) -> Result<Option<OAuthApplication>> {
    match api.accounts().application_by_client_id(client_id).await {
        Ok(application) => Ok(Some(application)),
        Err(AccountsError::NoSuchApplication(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether a person may give this application a token.
pub(crate) async fn may_authorize(
    api: &Api,
    user: &Account,
    application: &OAuthApplication,
    assignment: Option<&str>,
) -> Result<bool> {
    let accounts = api.accounts();
    let owner = application.owner_id;
    if accounts.is_organization_admin(user.id, owner).await? {
        return Ok(true);
    }
    match assignment {
        Some(uuid) => Ok(accounts.is_assigned(user.id, owner, uuid).await?),
        None => Ok(false),
    }
}

/// Whether the person has agreed to these scopes before, so that nobody needs to be asked again.
pub(crate) async fn has_agreed(
    api: &Api,
    user: &Account,
    application: &OAuthApplication,
    scope: &str,
) -> Result<bool> {
    let granted = api.accounts().granted_scopes(user.id, application).await?;
    Ok(!granted.is_empty() && granted.covers(Scopes::parse(scope)))
}

/// Where a browser is sent that named a redirect URI which is not the application's.
pub(crate) fn mismatch(application: &OAuthApplication) -> Outcome {
    if application.redirect_uri.is_empty() {
        return Outcome::Refused("redirect_uri_mismatch");
    }
    let error = [("error", "redirect_uri_mismatch")];
    Outcome::Redirect(with_parameters(&application.redirect_uri, &error))
}

/// Whether the redirect URI of a request is the application's.
pub(crate) fn redirects_to(api: &Api, request: &Request, application: &OAuthApplication) -> bool {
    request.redirects_to(api, application)
}

/// Gives the application what it asked for: the person agreed.
pub(crate) async fn grant(api: &Api, user: &Account, request: &Request) -> Result<Outcome> {
    let Some(application) = application(api, &request.client_id).await? else {
        return Ok(Outcome::Refused("unauthorized_client"));
    };
    if !request.redirects_to(api, &application) {
        return Ok(Outcome::Refused("invalid_request"));
    }
    match request.response_type.as_str() {
        "token" => grant_token(api, user, request, &application).await,
        "code" => grant_code(api, user, request, &application).await,
        _ => Ok(request.error("unsupported_response_type")),
    }
}

async fn grant_token(
    api: &Api,
    user: &Account,
    request: &Request,
    application: &OAuthApplication,
) -> Result<Outcome> {
    let assignment = request.assignment.as_deref();
    if !may_authorize(api, user, application, assignment).await? {
        return Ok(request.error("unauthorized_client"));
    }
    if Scopes::parse(&request.scope).is_empty() {
        return Ok(request.error("invalid_scope"));
    }
    let token = api
        .accounts()
        .grant_token(
            application,
            user.id,
            &user.username,
            &request.scope,
            assignment,
        )
        .await?;
    let target = with_parameters(&request.redirect_uri, &request.parameters());
    let token = token.expose();
    Ok(Outcome::Redirect(format!(
        "{target}#access_token={token}&token_type=Bearer&expires_in={OAUTH_TOKEN_LIFETIME_S}"
    )))
}

async fn grant_code(
    api: &Api,
    user: &Account,
    request: &Request,
    application: &OAuthApplication,
) -> Result<Outcome> {
    // Quay asks this before it shows the page, but not when the form is sent.
    if !may_authorize(api, user, application, None).await? {
        return Ok(request.error("unauthorized_client"));
    }
    if Scopes::parse(&request.scope).is_empty() {
        return Ok(request.error("invalid_scope"));
    }
    let code = api
        .accounts()
        .grant_code(application, &user.username, &request.scope)
        .await?;
    let mut parameters = request.parameters();
    parameters.push(("code", code.expose()));
    Ok(Outcome::Redirect(with_parameters(
        &request.redirect_uri,
        &parameters,
    )))
}

/// Tells the application that the person did not agree.
pub(crate) async fn deny(api: &Api, request: &Request) -> Result<Outcome> {
    let application = application(api, &request.client_id).await?;
    let belongs = application.is_some_and(|application| request.redirects_to(api, &application));
    Ok(if belongs {
        request.error("authorization_denied")
    } else {
        Outcome::Refused("invalid_request")
    })
}

/// A refusal of ours, told as the pages do.
pub(crate) fn refused(error: AccountsError) -> Error {
    if error.is_not_found() {
        Error::web(axum::http::StatusCode::NOT_FOUND, "Not Found")
    } else {
        error.into()
    }
}
