//! Who calls: an OAuth access token in `Authorization: Bearer`, or a web session, or nobody (api-v1.md §2.1). A token that
//! does not count is like no credentials, and then the session is not looked at.

use axum::http::header::{AUTHORIZATION, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use chrono::TimeDelta;
use pierhead_auth::accounts::Actor;
use pierhead_auth::{Account, Credential, SignInError};
use pierhead_db::queries::principals::CredentialTable;
use pierhead_http::Peer;
use serde_json::{Map, Value, json};
use subtle::ConstantTimeEq as _;

use crate::error::Error;
use crate::guard::BasicCredential;
use crate::services::users::sign_in;
use crate::session::Session;
use crate::state::Api;

/// The header with the token against cross-site requests.
const CSRF_HEADER: &str = "x-csrf-token";
/// The query parameter with it.
const CSRF_PARAMETER: &str = "_csrf_token";
/// Longest user agent that is kept, in characters.
const LONGEST_USER_AGENT: usize = 512;

/// Who calls, and from where.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    credential: Option<Credential>,
    session: Session,
    superuser: bool,
    full_access: bool,
    global_readonly: bool,
    restricted: bool,
    ip: Option<String>,
    user_agent: String,
}

impl Caller {
    /// Finds out who calls. Nothing is refused yet.
    pub(crate) async fn identify(parts: &Parts, api: &Api) -> Result<Self, Error> {
        let session = Session::of(parts);
        if let Some(BasicCredential(credential)) = parts.extensions.get() {
            let credential = Some(credential.clone());
            return Ok(Self::with(parts, api, session, credential));
        }
        let credential = match bearer(&parts.headers) {
            Some(token) => by_token(parts, api, token).await?,
            None => match session.user_uuid() {
                Some(uuid) => api.auth().session(&uuid).await?,
                None => None,
            },
        };
        Ok(Self::with(parts, api, session, credential))
    }

    /// Somebody who proved who it is in another way.
    pub(crate) fn with(
        parts: &Parts,
        api: &Api,
        session: Session,
        credential: Option<Credential>,
    ) -> Self {
        let auth = api.auth();
        let is = |holds: fn(&pierhead_auth::Auth, &Credential) -> bool| {
            credential
                .as_ref()
                .is_some_and(|credential| holds(auth, credential))
        };
        Self {
            superuser: is(pierhead_auth::Auth::is_superuser),
            full_access: is(pierhead_auth::Auth::has_full_access),
            global_readonly: is(pierhead_auth::Auth::is_global_readonly_superuser),
            restricted: is(pierhead_auth::Auth::is_restricted),
            session,
            ip: address(parts),
            user_agent: user_agent(&parts.headers),
            credential,
        }
    }

    /// The credential; `None` for anonymous callers.
    pub(crate) fn credential(&self) -> Option<&Credential> {
        self.credential.as_ref()
    }

    /// The account.
    pub(crate) fn user(&self) -> Option<&Account> {
        self.credential.as_ref()?.account.as_ref()
    }

    /// The web session, also of somebody who is not signed in.
    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// Whether an OAuth token was given, and counts.
    pub(crate) fn has_token(&self) -> bool {
        self.credential
            .as_ref()
            .is_some_and(|credential| credential.id.table == CredentialTable::OAuthToken)
    }

    /// A superuser who may use those rights now.
    pub(crate) fn is_superuser(&self) -> bool {
        self.superuser
    }

    /// A superuser who may do everything with everything.
    pub(crate) fn has_full_access(&self) -> bool {
        self.full_access
    }

    /// Somebody who may read everything.
    pub(crate) fn is_global_readonly(&self) -> bool {
        self.global_readonly
    }

    /// Somebody who may use nothing but what others share.
    pub(crate) fn is_restricted(&self) -> bool {
        self.restricted
    }

    /// The caller's address.
    pub(crate) fn ip(&self) -> Option<&str> {
        self.ip.as_deref()
    }

    /// `User-Agent`, empty when there is none.
    pub(crate) fn user_agent(&self) -> &str {
        &self.user_agent
    }

    /// On whose behalf a change is made, for the audit log.
    pub(crate) fn actor(&self) -> Actor {
        Actor {
            user: self.user().map(|user| user.id),
            superuser: None,
            ip: self.ip.clone(),
            context: self.audit_context(),
        }
    }

    /// The same, of a superuser who changes the account of somebody else.
    pub(crate) fn superuser_actor(&self) -> Actor {
        Actor {
            superuser: self.user().map(|user| user.username.clone()),
            ..self.actor()
        }
    }

    fn audit_context(&self) -> Map<String, Value> {
        let mut context = Map::new();
        if let Some(credential) = self.credential.as_ref().filter(|_| self.has_token()) {
            context.insert("oauth_token_id".to_owned(), json!(credential.id.row));
            context.insert(
                "oauth_token_application_id".to_owned(),
                json!(credential.client_id),
            );
            context.insert(
                "oauth_token_application".to_owned(),
                json!(credential.title),
            );
        }
        context
    }

    /// Refuses a change that another site may have made a browser send: without a token of ours it must carry the
    /// session's CSRF token.
    pub(crate) fn check_csrf(&self, parts: &Parts) -> Result<(), Error> {
        if self.has_token() || parts.method.is_safe() {
            return Ok(());
        }
        let given = parts
            .uri
            .query()
            .and_then(|query| parameter(query, CSRF_PARAMETER))
            .filter(|token| !token.is_empty())
            .or_else(|| {
                let header = parts.headers.get(CSRF_HEADER)?;
                Some(header.to_str().ok()?.to_owned())
            });
        self.session
            .check_csrf(given.as_deref().unwrap_or_default())
    }

    /// Whether a sensitive call needs the password first.
    pub(crate) async fn needs_fresh_login(&self, api: &Api) -> Result<bool, Error> {
        if self.has_token() {
            return Ok(false);
        }
        let now = api.clock().now_naive();
        let timeout = TimeDelta::from_std(api.config().server.fresh_login_timeout.as_std())
            .unwrap_or(TimeDelta::MAX);
        let fresh = self
            .session
            .login_time()
            .is_some_and(|login| now.signed_duration_since(login) <= timeout);
        if fresh || !api.is_database_auth() {
            return Ok(false);
        }
        let Some(user) = self.user() else {
            return Ok(true);
        };
        Ok(api.accounts().has_password(user.id).await?)
    }
}

/// The token of `Authorization: Bearer`, of whatever kind.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let mut words = value.split(' ').filter(|word| !word.is_empty());
    let scheme = words.next()?;
    let token = words.next()?.trim();
    (scheme.eq_ignore_ascii_case("bearer") && words.next().is_none()).then_some(token)
}

async fn by_token(parts: &Parts, api: &Api, token: &str) -> Result<Option<Credential>, Error> {
    if is_jwt(token) {
        // Tokens of identity providers: none is configured that could have issued one.
        let text = match issuer(token) {
            Some(issuer) => format!("Issuer {issuer} not configured"),
            None => "Token does not contain issuer".to_owned(),
        };
        return Err(Error::web(StatusCode::UNAUTHORIZED, text));
    }
    match api.auth().oauth_token(token).await {
        Ok(credential) => Ok(Some(credential)),
        Err(SignInError::Database(error)) => Err(error.into()),
        Err(error) => {
            let (ip, agent) = (address(parts), user_agent(&parts.headers));
            let actor = Actor {
                ip,
                ..Actor::default()
            };
            sign_in::record_failed_token(api, &actor, &agent, token, &error).await?;
            Ok(None)
        }
    }
}

/// Three parts of which the first is a JSON object that says that this is a token of an identity provider. Our own tokens have
/// no dots; what does not say so is an unknown one of them, as in Quay.
fn is_jwt(token: &str) -> bool {
    let mut parts = token.split('.');
    let header = parts.next().and_then(object);
    let kind = header.as_ref().and_then(|header| header["typ"].as_str());
    parts.count() == 2
        && kind.is_some_and(|kind| {
            ["jwt", "at+jwt"]
                .iter()
                .any(|known| kind.eq_ignore_ascii_case(known))
        })
}

/// Who is said to have issued a token of an identity provider.
fn issuer(token: &str) -> Option<String> {
    let payload = token.split('.').nth(1).and_then(object)?;
    let issuer = payload["iss"].as_str()?;
    (!issuer.is_empty()).then(|| issuer.to_owned())
}

/// A part of such a token.
fn object(part: &str) -> Option<Value> {
    use base64::Engine as _;
    let json = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(part)
        .ok()?;
    serde_json::from_slice(&json).ok().filter(Value::is_object)
}

fn address(parts: &Parts) -> Option<String> {
    let peer = parts.extensions.get::<Peer>();
    peer.map(|peer| peer.address.to_string())
}

fn user_agent(headers: &HeaderMap) -> String {
    headers
        .get(USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .map(|text| text.chars().take(LONGEST_USER_AGENT).collect())
        .unwrap_or_default()
}

/// The first value of a query parameter.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// Whether two tokens are the same and not empty, without telling how far they agree.
pub(crate) fn same_token(one: &str, other: &str) -> bool {
    !one.is_empty() && bool::from(one.as_bytes().ct_eq(other.as_bytes()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn bearer_of(value: &'static str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        bearer(&headers).map(str::to_owned)
    }

    #[test]
    fn a_bearer_token_is_one_word_behind_its_scheme() {
        assert_eq!(bearer_of("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(bearer_of("bearer   abc").as_deref(), Some("abc"));
        for other in ["Basic abc", "Bearer", "Bearer a b", ""] {
            assert_eq!(bearer_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_jwt_is_told_from_an_opaque_token() {
        // {"typ":"JWT"}, {"typ":"at+jwt"}
        for token in [
            "eyJ0eXAiOiJKV1QifQ.e30.c2ln",
            "eyJ0eXAiOiJhdCtqd3QifQ.e30.c2ln",
        ] {
            assert!(is_jwt(token), "{token}");
            assert_eq!(issuer(token), None);
        }
        // The third is {"alg":"RS256"}.
        for other in [
            "abc",
            "a.b.c",
            "eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
            "e30.e30",
            "eyJ0eXAiOiJKV1QifQ.e30",
            "eyJ0eXAiOiJKV1QifQ.e30.e30.e30",
        ] {
            assert!(!is_jwt(other), "{other}");
        }
        // {"iss":"https://idp"}
        let token = "eyJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkcCJ9.c2ln";
        assert_eq!(issuer(token).as_deref(), Some("https://idp"));
    }

    #[test]
    fn an_empty_token_is_the_same_as_none() {
        assert!(same_token("a", "a") && !same_token("a", "b"));
        assert!(!same_token("", ""));
    }
}
