//! `namespace+robot` with its 64 characters.

use pierhead_db::encoding::field::EncryptedColumn;
use pierhead_db::queries::principals::{self, CredentialTable};

use super::SignInError;
use crate::auth::Auth;
use crate::credential::robot_owner;
use crate::standing::Standing;

impl Auth {
    pub(super) async fn by_robot_token(
        &self,
        username: &str,
        token: &str,
    ) -> Result<Standing, SignInError> {
        let wrong = || SignInError::WrongRobot {
            username: username.to_owned(),
        };
        if !username.is_ascii() || !token.is_ascii() {
            return Err(wrong());
        }
        let row = {
            let mut conn = self.inner.db.read().await?;
            principals::find_robot(&mut conn, username, robot_owner(username)).await?
        }
        .ok_or_else(wrong)?;
        let stored = row.secret.as_deref().ok_or_else(wrong)?;
        let secret = (self.inner.cipher).decrypt(EncryptedColumn::ROBOT_TOKEN, stored)?;
        if !secret.matches(token) {
            return Err(wrong());
        }
        let standing = Standing::from_row(CredentialTable::Robot, &row).ok_or_else(wrong)?;
        self.counting(standing)
    }
}
