//! A robot with a token of [`crate::federation`] instead of its own: signed by this registry, good for an hour, and worthless
//! as soon as the robot's own token is replaced.

use pierhead_db::queries::principals::{self, CredentialTable};

use super::SignInError;
use crate::auth::Auth;
use crate::bearer::BearerError;
use crate::claims::Claims;
use crate::credential::robot_owner;
use crate::jws::{Algorithm, Jws};
use crate::standing::Standing;

/// Whether a robot's password is a signed token. Its own tokens have no dots.
pub(super) fn is_temporary(password: &str) -> bool {
    password.bytes().filter(|byte| *byte == b'.').count() == 2
}

impl Auth {
    pub(super) async fn by_temporary_token(
        &self,
        username: &str,
        token: &str,
    ) -> Result<Standing, SignInError> {
        let wrong = || SignInError::WrongRobot {
            username: username.to_owned(),
        };
        let jws = Jws::parse(token, &[Algorithm::Rs256]).map_err(|_| wrong())?;
        let kid = jws.kid.as_deref().ok_or_else(wrong)?;
        let key = self.inner.keys.verifying_key(kid).await?;
        if !key.is_some_and(|key| key.verifies(&jws)) {
            return Err(wrong());
        }
        let claims: Claims = serde_json::from_slice(&jws.payload).map_err(|_| wrong())?;
        self.check_origin(&claims).map_err(|error| match error {
            BearerError::Database(error) => error.into(),
            _ => wrong(),
        })?;
        // Registry tokens of robots are signed by the same key, and are no passwords.
        let named = claims
            .pierhead
            .filter(|own| own.is_robot_password() && claims.sub == username)
            .and_then(|own| own.credential())
            .ok_or_else(wrong)?;
        let row = {
            let mut conn = self.inner.db.read().await?;
            principals::find_robot(&mut conn, username, robot_owner(username)).await?
        };
        let standing = row
            .and_then(|row| Standing::from_row(CredentialTable::Robot, &row))
            .filter(|standing| {
                let credential = &standing.credential;
                credential.id == named.id && credential.fingerprint == named.fingerprint
            })
            .ok_or_else(wrong)?;
        self.counting(standing)
    }
}
