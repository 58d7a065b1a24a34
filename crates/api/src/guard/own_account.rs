//! What people see of their own account: `user:read`. Anonymous callers are asked to sign in even if anonymous access is off,
//! and are told that a session is not the only way.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use pierhead_auth::{Account, Credential, Scope};
use serde_json::{Map, json};

use super::{Guard, Rule, Who};
use crate::caller::Caller;
use crate::error::{Error, ErrorType};
use crate::state::Api;

/// Whoever may see their own account. Who may not gets the answer of who is nobody.
pub(crate) struct OwnAccount {
    caller: Caller,
    user: Account,
}

impl OwnAccount {
    /// Who calls.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The account.
    pub(crate) fn user(&self) -> &Account {
        &self.user
    }
}

impl Guard for OwnAccount {
    const RULE: Rule = Rule::of(Who::UserRead, Some(Scope::UserRead));
}

impl FromRequestParts<Api> for OwnAccount {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        let caller = Caller::from_request_parts(parts, api).await?;
        let user = caller
            .credential()
            .filter(|credential| Credential::reads_user(credential))
            .and_then(|credential| credential.account.clone());
        match user {
            Some(user) => Ok(Self { caller, user }),
            None => Err(requires_authentication()),
        }
    }
}

fn requires_authentication() -> Error {
    let mut payload = Map::new();
    payload.insert("session_required".to_owned(), json!(false));
    let text = "Requires authentication";
    Error::exception(ErrorType::InvalidToken, StatusCode::UNAUTHORIZED, text).with_payload(payload)
}
