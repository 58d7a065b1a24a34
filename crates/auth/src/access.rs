//! What a credential may do with a repository now: the cache over [`Rights`], and the intersection with a token.

use std::hash::Hash;
use std::sync::Arc;

use pierhead_db::Error;
use pierhead_db::queries::permissions::{self, RoleRow};
use pierhead_db::queries::principals::CredentialTable;
use pierhead_oci::RepositoryName;
use quick_cache::Equivalent;

use crate::auth::{Auth, principal_stripe};
use crate::bearer::Bearer;
use crate::cap::Role;
use crate::credential::CredentialId;
use crate::freshness::{Stamp, Stripe};
use crate::rights::{Repository, Rights};
use crate::standing::Standing;

/// Answers kept about a credential (or anonymous clients) and a repository. About 500 bytes each.
pub(crate) const ACCESS_ENTRIES: usize = 16_384;

/// What a bearer token allows on one repository name now.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The repository; `None` if there is none of that name, or the token's credential does not count any more.
    pub repository: Option<Arc<Repository>>,
    /// Read.
    pub pull: bool,
    /// Write.
    pub push: bool,
    /// Administer.
    pub admin: bool,
}

/// One who asks, and a repository name.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct AccessKey {
    who: Option<CredentialId>,
    name: RepositoryName,
}

#[derive(Hash)]
struct AccessKeyRef<'a> {
    who: Option<CredentialId>,
    name: &'a RepositoryName,
}

impl Equivalent<AccessKey> for AccessKeyRef<'_> {
    fn equivalent(&self, key: &AccessKey) -> bool {
        self.who == key.who && *self.name == key.name
    }
}

/// A remembered answer.
#[derive(Debug)]
pub(crate) struct KnownRights {
    stamp: Stamp,
    pub(crate) rights: Rights,
}

/// Who asks for rights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker<'a> {
    pub(crate) id: CredentialId,
    /// Whose changes are changes of this credential.
    pub(crate) stripe: Stripe,
    /// The name of the account that owns it, if it is a robot.
    pub(crate) robot_owner: &'a str,
}

impl Auth {
    /// What this token may do with a repository *now*: what it was granted and what its credential still may, or what
    /// everyone may. Warm (asked within five seconds, nothing changed): one cache look-up, no statement; else one statement.
    pub async fn access(
        &self,
        bearer: &Arc<Bearer>,
        name: &RepositoryName,
    ) -> Result<Access, Error> {
        let known = self.rights(bearer.asker(), name).await?;
        let rights = &known.rights;
        if !bearer.still_counts(rights.standing.as_ref(), self.inner.clock.now_naive()) {
            return Ok(Access::default());
        }
        let granted = bearer.granted(name);
        let public = rights.repository.as_ref().is_some_and(|found| found.public);
        Ok(Access {
            repository: rights.repository.clone(),
            pull: rights.pull && (public || granted >= Some(Role::Read)),
            push: rights.push && granted >= Some(Role::Write),
            admin: rights.admin && granted >= Some(Role::Admin),
        })
    }

    /// Rights as remembered, or read with one statement.
    pub(crate) async fn rights(
        &self,
        asker: Option<Asker<'_>>,
        name: &RepositoryName,
    ) -> Result<Arc<KnownRights>, Error> {
        let inner = &self.inner;
        let who = asker.map(|asker| asker.id);
        let now_ms = inner.clock.monotonic_ms();
        if let Some(known) = inner.access.get(&AccessKeyRef { who, name })
            && inner.generations.is_fresh(&known.stamp, now_ms)
        {
            return Ok(known);
        }
        let stripe = asker.map_or_else(|| Stripe::of("anonymous"), |asker| asker.stripe);
        let stamp = inner.generations.stamp(now_ms, [stripe, Stripe::of(name)]);
        let rights = self.read_rights(asker, name).await?;
        let known = Arc::new(KnownRights { stamp, rights });
        let key = AccessKey {
            who,
            name: name.clone(),
        };
        inner.access.insert(key, known.clone());
        Ok(known)
    }

    async fn read_rights(
        &self,
        asker: Option<Asker<'_>>,
        name: &RepositoryName,
    ) -> Result<Rights, Error> {
        let inner = &self.inner;
        let (namespace, repository) = (name.namespace(), name.repository());
        let mut conn = inner.db.read().await?;
        let (row, standing, roles) = match asker {
            None => (
                permissions::repository(&mut conn, namespace, repository).await?,
                None,
                RoleRow::default(),
            ),
            Some(Asker { id, .. }) if id.table == CredentialTable::AccessToken => {
                let row =
                    permissions::access_token_rights(&mut conn, namespace, repository, id.row)
                        .await?;
                let standing = Standing::from_row(id.table, &row.credential);
                (row.repository, standing, RoleRow::default())
            }
            Some(Asker {
                id, robot_owner, ..
            }) => {
                let row = permissions::account_rights(
                    &mut conn,
                    namespace,
                    repository,
                    (id.table, id.row, robot_owner),
                    &inner.ids.roles,
                )
                .await?;
                let standing = Standing::from_row(id.table, &row.credential);
                (row.repository, standing, row.roles)
            }
        };
        Ok(Rights::judge(
            &inner.config,
            &inner.ids,
            name,
            &row,
            standing,
            roles,
        ))
    }
}

/// The stripe of a credential: its account's, or its own if it has none.
pub(crate) fn credential_stripe(credential: &crate::credential::Credential) -> Stripe {
    principal_stripe(
        credential.id,
        credential.account.as_ref().map(|account| account.id),
    )
}

impl Auth {
    /// The repository, if the credential of this token may read it now, whatever the token itself was issued for.
    ///
    /// For mounting a blob from a repository that the token does not name: nothing leaves to the client.
    pub async fn readable(
        &self,
        bearer: &Arc<Bearer>,
        name: &RepositoryName,
    ) -> Result<Option<Arc<Repository>>, Error> {
        let known = self.rights(bearer.asker(), name).await?;
        let rights = &known.rights;
        let counts = bearer.still_counts(rights.standing.as_ref(), self.inner.clock.now_naive());
        Ok(rights.repository.clone().filter(|_| counts && rights.pull))
    }
}
