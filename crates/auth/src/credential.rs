//! What a client proved to hold, and how it is told apart from what replaces it.

use std::fmt;

use pierhead_db::UserId;
use pierhead_db::queries::principals::{CredentialRow, CredentialTable};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::cap::{Cap, Role, UserRole};
use crate::scopes::Scopes;

/// A stored credential: the table of its secret, and the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CredentialId {
    /// What kind of credential it is.
    pub table: CredentialTable,
    /// The row that holds the secret.
    pub row: i32,
}

/// The beginning of SHA-256 over a credential's place and its stored secret: the text changes whenever the secret is
/// replaced, and so does this. It says nothing about the secret, which is stored hashed or encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Fingerprint([u8; 8]);

impl Fingerprint {
    /// The fingerprint of a secret as stored.
    pub fn of(id: CredentialId, stored: &str) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(table_name(id.table).as_bytes());
        hasher.update(id.row.to_be_bytes());
        hasher.update(stored.as_bytes());
        let digest: [u8; 32] = hasher.finalize().into();
        let mut short = [0; 8];
        short.copy_from_slice(&digest[..8]);
        Self(short)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let canonical =
            text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        u64::from_str_radix(&text, 16)
            .ok()
            .filter(|_| canonical)
            .map(|value| Self(value.to_be_bytes()))
            .ok_or("a fingerprint is 16 hexadecimal digits")
    }
}

/// The account that acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// `user.id`.
    pub id: UserId,
    /// `user.uuid`.
    pub uuid: Option<String>,
    /// `user.username`; a robot's contains a `+`.
    pub username: String,
}

impl Account {
    /// Whether it is a robot.
    pub fn is_robot(&self) -> bool {
        self.username.contains('+')
    }
}

/// A credential whose secret was verified. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Where it is stored.
    pub id: CredentialId,
    /// Which secret was verified.
    pub fingerprint: Fingerprint,
    /// Who acts; nobody for a repository's access token.
    pub account: Option<Account>,
    /// Public identifier of a token: its uuid, or the name part of an access token.
    pub reference: Option<String>,
    /// Title of an app specific token, or name of the application of an OAuth token, for the audit log.
    pub title: Option<String>,
    /// Client id of the application of an OAuth token.
    pub client_id: Option<String>,
    /// Scopes of an OAuth token; everything else has none and may do all that its account may.
    pub scopes: Option<Scopes>,
}

impl Credential {
    /// Reads a row; `None` if it is not there, or has no secret that could be verified.
    pub(crate) fn from_row(table: CredentialTable, row: &CredentialRow) -> Option<Self> {
        let id = CredentialId {
            table,
            row: row.credential_row?,
        };
        let account = match (row.user_id, &row.username) {
            (Some(id), Some(username)) => Some(Account {
                id,
                uuid: row.user_uuid.clone(),
                username: username.clone(),
            }),
            _ if table == CredentialTable::AccessToken => None,
            _ => return None,
        };
        // People who sign in elsewhere have no password. Their sessions count, and no password matches.
        let no_password = (table == CredentialTable::Password).then_some("");
        let secret = row.secret.as_deref().or(no_password)?;
        Some(Self {
            id,
            fingerprint: Fingerprint::of(id, secret),
            account,
            reference: row.reference.clone(),
            title: row.title.clone(),
            client_id: row.client_id.clone(),
            scopes: (table == CredentialTable::OAuthToken)
                .then(|| Scopes::parse(row.scope.as_deref().unwrap_or_default())),
        })
    }

    /// The name of the account that owns this robot; empty for everything else.
    pub(crate) fn robot_owner(&self) -> &str {
        match (&self.account, self.id.table) {
            (Some(account), CredentialTable::Robot) => robot_owner(&account.username),
            _ => "",
        }
    }

    /// What it may use of its account's rights.
    pub(crate) fn cap(&self) -> Cap {
        self.scopes.map_or(Cap::NONE, Cap::of_scopes)
    }

    /// Whether it may read the repositories of its account: a direct sign-in, or a token with a scope of repositories.
    pub fn reads_repositories(&self) -> bool {
        self.cap().repository >= Some(Role::Read)
    }

    /// Whether it may see what its account alone may see: a direct sign-in, `user:read` or `user:admin`.
    pub fn reads_user(&self) -> bool {
        self.cap().user >= Some(UserRole::Read)
    }

    /// Whether it may change its account: a direct sign-in, or `user:admin`.
    pub fn administers_user(&self) -> bool {
        self.cap().user >= Some(UserRole::Admin)
    }

    /// `sub` of the tokens made for it.
    pub(crate) fn subject(&self) -> &str {
        self.account
            .as_ref()
            .map_or(ANONYMOUS_SUBJECT, |account| &account.username)
    }
}

/// `sub` of tokens without an account.
pub(crate) const ANONYMOUS_SUBJECT: &str = "(anonymous)";

/// The owner in a robot's name `owner+short`.
pub(crate) fn robot_owner(username: &str) -> &str {
    username.split_once('+').map_or("", |(owner, _)| owner)
}

/// The table's name, as it appears in tokens.
pub(crate) const fn table_name(table: CredentialTable) -> &'static str {
    match table {
        CredentialTable::Password => "user",
        CredentialTable::Robot => "robotaccounttoken",
        CredentialTable::AppToken => "appspecificauthtoken",
        CredentialTable::OAuthToken => "oauthaccesstoken",
        CredentialTable::AccessToken => "accesstoken",
    }
}

/// The table with that name.
pub(crate) fn table_by_name(name: &str) -> Option<CredentialTable> {
    [
        CredentialTable::Password,
        CredentialTable::Robot,
        CredentialTable::AppToken,
        CredentialTable::OAuthToken,
        CredentialTable::AccessToken,
    ]
    .into_iter()
    .find(|table| table_name(*table) == name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const ROBOT: CredentialId = CredentialId {
        table: CredentialTable::Robot,
        row: 7,
    };

    #[test]
    fn a_fingerprint_changes_with_the_secret_the_row_and_the_table() {
        let one = Fingerprint::of(ROBOT, "v0$$abc");
        assert_eq!(one, Fingerprint::of(ROBOT, "v0$$abc"));
        assert_ne!(one, Fingerprint::of(ROBOT, "v0$$abd"));
        assert_ne!(
            one,
            Fingerprint::of(CredentialId { row: 8, ..ROBOT }, "v0$$abc")
        );
        let app = CredentialId {
            table: CredentialTable::AppToken,
            ..ROBOT
        };
        assert_ne!(one, Fingerprint::of(app, "v0$$abc"));
    }

    #[test]
    fn a_fingerprint_is_read_back_only_in_the_form_it_is_written() {
        let one = Fingerprint::of(ROBOT, "v0$$abc");
        assert_eq!(Fingerprint::try_from(one.to_string()).unwrap(), one);
        for text in [
            "",
            "0",
            "+123456789abcdef",
            "0123456789ABCDEF",
            "0123456789abcdef0",
        ] {
            assert!(Fingerprint::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn every_table_is_found_by_its_name() {
        for table in [CredentialTable::Password, CredentialTable::AccessToken] {
            assert_eq!(table_by_name(table_name(table)), Some(table));
        }
        assert_eq!(table_by_name("repository"), None);
    }
}
