//! `$token`, `$app` and `$oauthtoken`: tokens that carry the key to their row.

use pierhead_db::encoding::field::EncryptedColumn;
use pierhead_db::encoding::random;
use pierhead_db::queries::principals::{self, CredentialRow, CredentialTable};

use super::{CredentialKey, SignInError, refused};
use crate::auth::Auth;
use crate::standing::Standing;

impl Auth {
    /// `$token`: 32 characters of name, the rest is encrypted in the row.
    pub(super) async fn by_access_token(&self, token: &str) -> Result<Standing, SignInError> {
        let table = CredentialTable::AccessToken;
        self.by_encrypted(
            table,
            token,
            random::ACCESS_TOKEN_NAME,
            EncryptedColumn::ACCESS_TOKEN_CODE,
        )
        .await?
        .ok_or(SignInError::WrongAccessToken)
    }

    /// `$app`: 60 characters of name, the rest is encrypted in the row.
    pub(super) async fn by_app_token(&self, token: &str) -> Result<Standing, SignInError> {
        let table = CredentialTable::AppToken;
        self.by_encrypted(
            table,
            token,
            random::APP_TOKEN_NAME,
            EncryptedColumn::APP_TOKEN_SECRET,
        )
        .await?
        .ok_or(SignInError::WrongAppToken)
    }

    /// `$oauthtoken`: 20 characters of name, the rest is hashed in the row. Tokens of external providers are not accepted here.
    pub(super) async fn by_oauth_token(
        &self,
        token: &str,
        key: &CredentialKey,
    ) -> Result<Standing, SignInError> {
        let table = CredentialTable::OAuthToken;
        let (name, code) =
            split(token, random::OAUTH_TOKEN_NAME).ok_or(SignInError::WrongOAuthToken)?;
        let row = self
            .find_token(table, name)
            .await?
            .ok_or(SignInError::WrongOAuthToken)?;
        let hash = row.secret.as_deref().unwrap_or("");
        let standing = Standing::from_row(table, &row).ok_or(SignInError::WrongOAuthToken)?;
        if !self
            .hash_matches(code, hash, key, standing.credential.fingerprint)
            .await?
        {
            return Err(SignInError::WrongOAuthToken);
        }
        self.counting(standing)
    }

    async fn by_encrypted(
        &self,
        table: CredentialTable,
        token: &str,
        name_len: usize,
        column: EncryptedColumn,
    ) -> Result<Option<Standing>, SignInError> {
        let Some((name, code)) = split(token, name_len) else {
            return Ok(None);
        };
        let Some(row) = self.find_token(table, name).await? else {
            return Ok(None);
        };
        let secret = row.secret.as_deref().unwrap_or("");
        if !self.inner.cipher.decrypt(column, secret)?.matches(code) {
            return Ok(None);
        }
        match Standing::from_row(table, &row) {
            Some(standing) => self.counting(standing).map(Some),
            None => Ok(None),
        }
    }

    async fn find_token(
        &self,
        table: CredentialTable,
        name: &str,
    ) -> Result<Option<CredentialRow>, SignInError> {
        let mut conn = self.inner.db.read().await?;
        Ok(principals::find_token(&mut conn, table, name).await?)
    }

    /// The standing, if it counts now.
    pub(crate) fn counting(&self, standing: Standing) -> Result<Standing, SignInError> {
        match standing.refusal(self.inner.clock.now_naive()) {
            Some(refusal) => Err(refused(&standing.credential, refusal)),
            None => Ok(standing),
        }
    }
}

/// Public part and secret part; both must be there.
fn split(token: &str, name_len: usize) -> Option<(&str, &str)> {
    token
        .split_at_checked(name_len)
        .filter(|(_, code)| !code.is_empty() && token.is_ascii())
}
