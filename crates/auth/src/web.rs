//! What the management API and its pages ask: who a web session or an OAuth token is, and what that one may do with
//! repositories and namespaces. The rule of repositories is the one of the registry; here it is told as a role.

use std::sync::Arc;

use pierhead_db::queries::permissions;
use pierhead_db::queries::principals::{self, CredentialTable};
use pierhead_db::{Error, UserId};
use pierhead_oci::RepositoryName;

use crate::access::{Asker, credential_stripe};
use crate::auth::Auth;
use crate::cap::{Role, TeamRole};
use crate::credential::Credential;
use crate::rights::{Repository, team_role};
use crate::sign_in::SignInError;
use crate::standing::Standing;

/// What somebody, or nobody in particular, may do with a repository name.
#[derive(Clone, Debug)]
pub struct RepositoryRights {
    /// The repository, unless it is missing or being deleted.
    pub repository: Option<Arc<Repository>>,
    /// The role that was granted, within the scopes of the credential; what everybody may read of a public repository is
    /// not in it, nor what superusers may do.
    pub role: Option<Role>,
    /// A push to the missing repository may create it.
    pub create: bool,
}

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its row.
    pub id: UserId,
    /// Its name.
    pub name: String,
}

/// What somebody may do with a namespace.
#[derive(Clone, Debug)]
pub struct NamespaceRights {
    /// The person or organization, if there is one of that name.
    pub id: Option<UserId>,
    /// The same, if it is an organization.
    pub organization: Option<Organization>,
    /// The highest role in its teams, within the scopes of the credential. Everybody administers the own namespace.
    pub role: Option<TeamRole>,
}

impl Auth {
    /// Who holds this OAuth access token, if it counts. Warm: no bcrypt, and at most one statement.
    ///
    /// # Errors
    /// When it is unknown, wrong or expired, or its granter is disabled; or when the database fails.
    pub async fn oauth_token(&self, token: &str) -> Result<Credential, SignInError> {
        self.basic("$oauthtoken", token).await
    }

    /// The person of a web session, by `user.uuid`; `None` when there is none of that uuid (any more: signing out everywhere
    /// replaces it) or the account is disabled. One statement.
    pub async fn session(&self, uuid: &str) -> Result<Option<Credential>, Error> {
        let table = CredentialTable::Password;
        let row = {
            let mut conn = self.inner.db.read().await?;
            principals::find_by_uuid(&mut conn, table, uuid).await?
        };
        let now = self.inner.clock.now_naive();
        Ok(row
            .and_then(|row| Standing::from_row(table, &row))
            .filter(|standing| standing.refusal(now).is_none())
            .map(|standing| standing.credential))
    }

    /// Records that the person with that `user.uuid` signed in at an identity provider, as it is recorded when a password is
    /// used. One statement, and one in the background.
    pub async fn record_sign_in_elsewhere(&self, uuid: &str) -> Result<(), Error> {
        let table = CredentialTable::Password;
        let row = {
            let mut conn = self.inner.db.read().await?;
            principals::find_by_uuid(&mut conn, table, uuid).await?
        };
        if let Some(standing) = row.and_then(|row| Standing::from_row(table, &row)) {
            self.touch(&standing);
        }
        Ok(())
    }

    /// What a credential, or an anonymous client, may do with a repository. Warm: no statement; else one.
    pub async fn repository_rights(
        &self,
        who: Option<&Credential>,
        name: &RepositoryName,
    ) -> Result<RepositoryRights, Error> {
        let asker = who.map(|credential| Asker {
            id: credential.id,
            stripe: credential_stripe(credential),
            robot_owner: credential.robot_owner(),
        });
        let known = self.rights(asker, name).await?;
        Ok(RepositoryRights {
            repository: known.rights.repository.clone(),
            role: known.rights.role,
            create: known.rights.create,
        })
    }

    /// What a credential, or an anonymous client, may do with a namespace. One statement.
    pub async fn namespace_rights(
        &self,
        who: Option<&Credential>,
        name: &str,
    ) -> Result<NamespaceRights, Error> {
        let account = who.and_then(|credential| credential.account.as_ref());
        let row = {
            let mut conn = self.inner.db.read().await?;
            let user = account.map(|account| account.id);
            permissions::namespace(&mut conn, name, user, &self.inner.ids.roles).await?
        };
        let Some(row) = row else {
            return Ok(NamespaceRights {
                id: None,
                organization: None,
                role: None,
            });
        };
        let own = account.is_some_and(|account| account.id == row.id);
        let held = team_role(row.role).max(own.then_some(TeamRole::Admin));
        Ok(NamespaceRights {
            id: Some(row.id),
            organization: row.organization.then(|| Organization {
                id: row.id,
                name: name.to_owned(),
            }),
            role: who.and_then(|credential| held.min(credential.cap().team)),
        })
    }

    /// Whether this credential may use the rights of a superuser: a direct sign-in, or a token with `super:user`.
    pub fn is_superuser(&self, who: &Credential) -> bool {
        who.cap().superuser && named(who, |name| self.inner.config.is_superuser(name))
    }

    /// Whether this credential may do everything with everybody's organizations and repositories.
    pub fn has_full_access(&self, who: &Credential) -> bool {
        self.inner.config.superusers_full_access && self.is_superuser(who)
    }

    /// Whether this is somebody who may read everything. As in Quay, scopes do not limit it.
    pub fn is_global_readonly_superuser(&self, who: &Credential) -> bool {
        named(who, |name| {
            self.inner.config.is_global_readonly_superuser(name)
        })
    }

    /// Whether this is somebody who may use nothing but what others share (`FEATURE_RESTRICTED_USERS`).
    pub fn is_restricted(&self, who: &Credential) -> bool {
        named(who, |name| self.inner.config.is_restricted(name))
    }
}

fn named(who: &Credential, is: impl FnOnce(&str) -> bool) -> bool {
    who.account
        .as_ref()
        .is_some_and(|account| is(&account.username))
}
