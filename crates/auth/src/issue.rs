//! The token endpoint's rule: what each scope grants, and the signed token (registry.md §3.2).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use pierhead_oci::{
    Action, Actions, NameError, NamespaceName, RepositoryName, RepositoryScope, Scope,
};

use crate::access::{Asker, KnownRights, credential_stripe};
use crate::auth::Auth;
use crate::cap::TeamRole;
use crate::claims::{NewAccess, NewClaims, NewContext, OwnClaim, TrustRoot};
use crate::credential::{ANONYMOUS_SUBJECT, Account, Credential};
use crate::jws;
use crate::push_creation::PushCreationError;
use crate::rights::{RepositoryKind, Rights};
use crate::service_keys::SigningError;

/// Signed tokens kept. One with its key has about 2.5 KB.
pub(crate) const ISSUED_ENTRIES: usize = 4_096;
/// A token is given out again for the same grants while it is younger than this.
const REUSE_MS: u64 = 5 * 60 * 1_000;
/// How long a token is valid, in seconds.
const LIFETIME_S: i64 = 60 * 60;

/// What a scope of a request was answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The repository.
    pub name: RepositoryName,
    /// The name as requested, which may begin with the registry's host name or lack a namespace.
    pub requested: String,
    /// What is granted; may be empty.
    pub actions: Actions,
    /// Whose signatures of its tags are shown.
    pub(crate) root: TrustRoot,
}

/// A signed token and what is in it.
#[derive(Clone)]
pub struct IssuedToken {
    /// The token, to be sent as `Authorization: Bearer`.
    pub token: Arc<str>,
    /// Seconds for which it will still be valid.
    pub expires_in: u64,
    /// When it was signed.
    pub issued_at: DateTime<Utc>,
    /// What it grants, in the order of the request.
    pub grants: Vec<Grant>,
}

impl std::fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedToken")
            .field("expires_in", &self.expires_in)
            .field("grants", &self.grants)
            .finish_non_exhaustive()
    }
}

/// A remembered token.
#[derive(Debug)]
pub(crate) struct KnownToken {
    pub(crate) token: Arc<str>,
    signed_ms: u64,
    issued_at: DateTime<Utc>,
}

/// Why there is no token. Messages are for the client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Neither credentials nor scopes, or anonymous access is switched off: 401 `UNAUTHORIZED` with a challenge.
    #[error("access to the requested resource is not authorized")]
    Unauthorized,
    /// The credential was revoked a moment ago: 401 `UNAUTHORIZED`.
    #[error("the credential does not exist any more, has expired or is disabled")]
    CredentialEnded,
    /// A scope's name is no repository name: 400 `NAME_INVALID`.
    #[error("Invalid repository name: {path}")]
    Name {
        /// The name without host.
        path: String,
        /// What is wrong with it.
        #[source]
        source: NameError,
    },
    /// The namespace is disabled: 405 `DENIED`.
    #[error("Namespace {namespace} has been disabled. Please contact a system administrator.")]
    NamespaceDisabled {
        /// The namespace.
        namespace: String,
    },
    /// The repository holds something else than images: 405 `UNSUPPORTED`.
    #[error("This repository is for managing application resources and not container images.")]
    NotAnImageRepository,
    /// `CREATE_NAMESPACE_ON_PUSH` is set, but the organization cannot be made: 405 `UNSUPPORTED`.
    #[error("Cannot create organization: {reason}")]
    NamespaceNotCreated {
        /// Why.
        reason: String,
    },
    /// The repository cannot be made: 405 `UNSUPPORTED`.
    #[error("Cannot create repository: {reason}")]
    RepositoryNotCreated {
        /// Why.
        reason: String,
    },
    /// The token could not be signed; our fault.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// The claims could not be written; our fault.
    #[error("the claims of a token could not be written")]
    Claims(#[source] serde_json::Error),
    /// The database failed; our fault.
    #[error(transparent)]
    Database(#[from] pierhead_db::Error),
}

impl TokenError {
    /// Whether the fault is ours and not the client's.
    pub fn is_internal(&self) -> bool {
        matches!(self, Self::Signing(_) | Self::Claims(_) | Self::Database(_))
    }
}

impl Auth {
    /// What each scope grants now, and a signed token for it. A push scope on a missing repository creates it, if the
    /// credential may. `service` becomes the audience as it is. Warm: no statement and no signature.
    pub async fn issue(
        &self,
        credential: Option<&Credential>,
        service: Option<&str>,
        scopes: &[Scope],
    ) -> Result<IssuedToken, TokenError> {
        if credential.is_none() && (scopes.is_empty() || !self.inner.config.anonymous_access) {
            return Err(TokenError::Unauthorized);
        }
        let mut grants = Vec::with_capacity(scopes.len());
        for scope in scopes {
            match scope {
                Scope::Repository(scope) => grants.push(self.grant_scope(credential, scope).await?),
                // The catalog needs no grant, and Quay refuses tokens with entries other than repositories.
                Scope::Catalog => {}
            }
        }
        self.token(credential, service, grants)
    }

    async fn grant_scope(
        &self,
        credential: Option<&Credential>,
        scope: &RepositoryScope,
    ) -> Result<Grant, TokenError> {
        let name = scope
            .repository_name(&self.inner.config.names)
            .map_err(|source| TokenError::Name {
                path: scope.path().to_owned(),
                source,
            })?;
        let mut known = self.rights_of(credential, &name).await?;
        let pushes = scope.actions.contains(Action::Push);
        if pushes
            && let Some(account) = credential.and_then(|credential| credential.account.as_ref())
            && self.create_for_push(account, &name, &known.rights).await?
        {
            known = self.rights_of(credential, &name).await?;
        }
        let rights = &known.rights;
        let actions: Actions = scope
            .actions
            .iter()
            .filter(|action| match action {
                Action::Push => rights.push && rights.repository.is_some(),
                Action::Pull => rights.pull,
                Action::All => rights.admin && rights.repository.is_some(),
            })
            .collect();
        let kind = rights.repository.as_ref().map(|found| found.kind);
        if !actions.is_empty() && kind == Some(RepositoryKind::Application) {
            return Err(TokenError::NotAnImageRepository);
        }
        Ok(Grant {
            requested: scope.requested_name().to_owned(),
            name,
            actions,
            root: rights.root,
        })
    }

    /// Rights of a credential that still counts, in a namespace that is enabled.
    async fn rights_of(
        &self,
        credential: Option<&Credential>,
        name: &RepositoryName,
    ) -> Result<Arc<KnownRights>, TokenError> {
        let asker = credential.map(|credential| Asker {
            id: credential.id,
            stripe: credential_stripe(credential),
            robot_owner: credential.robot_owner(),
        });
        let known = self.rights(asker, name).await?;
        if let Some(credential) = credential {
            let now = self.inner.clock.now_naive();
            let counts = known.rights.standing.as_ref().is_some_and(|standing| {
                standing.credential.fingerprint == credential.fingerprint
                    && standing.refusal(now).is_none()
            });
            if !counts {
                return Err(TokenError::CredentialEnded);
            }
        }
        if (known.rights.namespace).is_some_and(|namespace| !namespace.enabled) {
            return Err(TokenError::NamespaceDisabled {
                namespace: name.namespace().to_owned(),
            });
        }
        Ok(known)
    }

    /// Makes what a push needs and what the account may make. Says whether anything was made.
    async fn create_for_push(
        &self,
        account: &Account,
        name: &RepositoryName,
        rights: &Rights,
    ) -> Result<bool, TokenError> {
        let config = &self.inner.config;
        if config.read_only || rights.repository.is_some() || rights.being_deleted {
            return Ok(false);
        }
        let namespace = match rights.namespace {
            Some(namespace) if rights.create => namespace.id,
            None if config.create_namespace_on_push
                && may_own_namespaces(self, account, rights) =>
            {
                self.create_namespace(account, name).await?
            }
            _ => return Ok(false),
        };
        let public = !config.create_private_repo_on_push;
        let created = self
            .inner
            .creation
            .create_repository(namespace, name, account.id, public)
            .await;
        self.forget_repository(name);
        created.map_err(|error| match error {
            PushCreationError::Refused(reason) => TokenError::RepositoryNotCreated { reason },
            PushCreationError::Database(error) => TokenError::Database(error),
        })?;
        Ok(true)
    }

    async fn create_namespace(
        &self,
        account: &Account,
        name: &RepositoryName,
    ) -> Result<pierhead_db::NamespaceId, TokenError> {
        let not_created = |reason: String| TokenError::NamespaceNotCreated { reason };
        NamespaceName::validate_new(name.namespace())
            .map_err(|error| not_created(error.to_string()))?;
        let created = self
            .inner
            .creation
            .create_organization(name.namespace(), account.id)
            .await;
        self.forget_everything();
        created.map_err(|error| match error {
            PushCreationError::Refused(reason) => not_created(reason),
            PushCreationError::Database(error) => TokenError::Database(error),
        })
    }

    fn token(
        &self,
        credential: Option<&Credential>,
        service: Option<&str>,
        grants: Vec<Grant>,
    ) -> Result<IssuedToken, TokenError> {
        let inner = &self.inner;
        let body = serde_json::to_string(&NewClaims {
            iss: inner.keys.service(),
            aud: service,
            sub: credential.map_or(ANONYMOUS_SUBJECT, Credential::subject),
            access: grants
                .iter()
                .map(|grant| NewAccess::repository(&grant.requested, grant.actions))
                .collect(),
            context: NewContext::new(
                credential,
                grants.iter().map(|grant| (grant.name.as_str(), grant.root)),
            ),
            pierhead: OwnClaim::new(credential),
        })
        .map_err(TokenError::Claims)?;
        let now_ms = inner.clock.monotonic_ms();
        let known = inner
            .issued
            .get(body.as_str())
            .filter(|known| now_ms.saturating_sub(known.signed_ms) < REUSE_MS);
        let known = if let Some(known) = known {
            known
        } else {
            let known = Arc::new(self.sign(&body, now_ms)?);
            inner.issued.insert(body.into(), known.clone());
            known
        };
        let age_s = (inner.clock.now() - known.issued_at).num_seconds().max(0);
        Ok(IssuedToken {
            token: known.token.clone(),
            expires_in: u64::try_from(LIFETIME_S - age_s).unwrap_or(0),
            issued_at: known.issued_at,
            grants,
        })
    }

    /// Adds the times to the claims and signs.
    pub(crate) fn sign(&self, body: &str, signed_ms: u64) -> Result<KnownToken, SigningError> {
        let now = self.inner.clock.now();
        let iat = now.timestamp();
        let exp = iat + LIFETIME_S;
        // The claims are a JSON object that is not empty.
        let rest = body.strip_prefix('{').unwrap_or(body);
        let payload = format!(r#"{{"iat":{iat},"nbf":{iat},"exp":{exp},{rest}"#);
        let input = jws::signing_input(self.inner.keys.kid(), &payload);
        let signature = self.inner.keys.sign(input.as_bytes())?;
        Ok(KnownToken {
            token: jws::with_signature(input, &signature).into(),
            signed_ms,
            issued_at: DateTime::from_timestamp(iat, 0).unwrap_or(now),
        })
    }
}

/// Whether a push by this account may make an organization: people whose credential is not capped below it.
fn may_own_namespaces(auth: &Auth, account: &Account, rights: &Rights) -> bool {
    let uncapped = rights
        .standing
        .as_ref()
        .is_some_and(|standing| standing.cap.team == Some(TeamRole::Admin));
    uncapped && !account.is_robot() && !auth.inner.config.is_restricted(&account.username)
}
