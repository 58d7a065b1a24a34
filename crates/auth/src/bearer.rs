//! Bearer tokens: verifying one once, and remembering it.
//!
//! Rules (registry.md §3.3): the key that `kid` names is of this service, approved and unexpired; RS256; issuer and audience
//! are this registry's; `iat`, `nbf` and `exp` are there, with 30 seconds of leeway, and the life is not longer than
//! configured; the claims are those of a registry token. What the token then allows is decided at each access from what
//! its credential may do *now* ([`crate::access`]); the token only limits it.

use std::sync::Arc;

use chrono::NaiveDateTime;
use pierhead_db::UserId;
use pierhead_db::encoding::random;
use pierhead_db::queries::principals::{self, CredentialTable};
use pierhead_oci::RepositoryName;

use crate::access::Asker;
use crate::auth::{Auth, principal_stripe};
use crate::cap::Role;
use crate::claims::{ANONYMOUS, AccessEntry, Claims, EntryAction};
use crate::credential::{CredentialId, Fingerprint, robot_owner};
use crate::freshness::Stripe;
use crate::jws::{Algorithm, Jws, JwsError};
use crate::standing::Standing;

/// Verified tokens kept. A token has about 1.5 KB.
pub(crate) const BEARER_ENTRIES: usize = 8_192;
/// Longer tokens are verified each time, so that the cache has a bound in bytes too.
const CACHED_LEN: usize = 4_096;
/// How far clocks may be apart, in seconds.
const LEEWAY_S: i64 = 30;

/// Why a bearer token is not accepted. Messages are for the client; a 401 with a challenge.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BearerError {
    /// It is not a JSON web token.
    #[error("Invalid bearer token format")]
    Malformed,
    /// It is not signed with RS256.
    #[error("The specified alg value is not allowed")]
    Algorithm,
    /// It names no key.
    #[error("Missing kid header")]
    MissingKeyId,
    /// No approved, unexpired key of this service has that id.
    #[error("Unknown service key")]
    UnknownKey,
    /// The signature is not of that key.
    #[error("Signature verification failed")]
    Signature,
    /// It is too old.
    #[error("Signature has expired")]
    Expired,
    /// It is from the future.
    #[error("The token is not yet valid (nbf or iat)")]
    NotYetValid,
    /// It is valid for longer than this registry accepts.
    #[error("Token was signed for more than {max_s} seconds")]
    TooLong {
        /// `REGISTRY_JWT_AUTH_MAX_FRESH_S`.
        max_s: u64,
    },
    /// It is from another issuer.
    #[error("Invalid issuer")]
    Issuer,
    /// It is for another registry.
    #[error("Audience doesn't match")]
    Audience,
    /// It is signed, but not a registry token.
    #[error("Token contained invalid or malformed access grants")]
    NotARegistryToken,
    /// What it was issued to does not exist any more.
    #[error("The credential of this token does not exist any more")]
    Gone,
    /// The database failed; not the client's fault.
    #[error(transparent)]
    Database(#[from] pierhead_db::Error),
}

impl BearerError {
    /// Whether the fault is ours and not the client's.
    pub fn is_internal(&self) -> bool {
        matches!(self, Self::Database(_))
    }
}

impl From<JwsError> for BearerError {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::Malformed => Self::Malformed,
            JwsError::Algorithm => Self::Algorithm,
        }
    }
}

/// A verified token.
#[derive(Debug)]
pub struct Bearer {
    subject: Option<Subject>,
    grants: Vec<(RepositoryName, Role)>,
    /// Seconds since 1970; leeway included.
    ends_at: i64,
    /// Of the verifying keys it was verified with.
    keys: u64,
}

/// Who a token was issued to.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The credential that was shown for it.
    pub credential: CredentialId,
    /// The account behind it; none for a repository's access token.
    pub user_id: Option<UserId>,
    /// The account's name when the token was issued, or `(anonymous)` for an access token.
    pub name: String,
    /// Absent in tokens that Quay issued.
    fingerprint: Option<Fingerprint>,
    stripe: Stripe,
}

impl Bearer {
    /// Nobody, granted nothing, for ever.
    pub(crate) fn nobody() -> Self {
        Self {
            subject: None,
            grants: Vec::new(),
            ends_at: i64::MAX,
            keys: 0,
        }
    }

    /// Who it was issued to; `None` for anonymous clients.
    pub fn subject(&self) -> Option<&Subject> {
        self.subject.as_ref()
    }

    /// The repositories it names with any action at all.
    pub fn repositories(&self) -> impl Iterator<Item = &RepositoryName> {
        self.grants.iter().map(|(name, _)| name)
    }

    pub(crate) fn granted(&self, name: &RepositoryName) -> Option<Role> {
        self.grants
            .iter()
            .filter(|(granted, _)| granted == name)
            .map(|(_, role)| *role)
            .max()
    }

    pub(crate) fn asker(&self) -> Option<Asker<'_>> {
        self.subject.as_ref().map(|subject| Asker {
            id: subject.credential,
            stripe: subject.stripe,
            robot_owner: subject.robot_owner(),
        })
    }

    /// Whether the credential it was issued to is still the same and counts.
    pub(crate) fn still_counts(&self, standing: Option<&Standing>, now: NaiveDateTime) -> bool {
        let Some(subject) = &self.subject else {
            return true;
        };
        standing.is_some_and(|standing| {
            let credential = &standing.credential;
            standing.refusal(now).is_none()
                && subject
                    .fingerprint
                    .is_none_or(|shown| shown == credential.fingerprint)
                && subject.user_id == credential.account.as_ref().map(|account| account.id)
        })
    }
}

impl Subject {
    fn robot_owner(&self) -> &str {
        match self.credential.table {
            CredentialTable::Robot => robot_owner(&self.name),
            _ => "",
        }
    }
}

impl Auth {
    /// Verifies a bearer token. Warm: one cache look-up, no signature check, no statement. Cold: one signature check; a
    /// statement if the key is not known here yet, or if Quay issued the token.
    pub async fn bearer(&self, token: &str) -> Result<Arc<Bearer>, BearerError> {
        let inner = &self.inner;
        let keys = inner.keys.generation();
        if let Some(bearer) = inner.bearers.get(token)
            && bearer.keys == keys
        {
            return if inner.clock.unix() < bearer.ends_at {
                Ok(bearer)
            } else {
                Err(BearerError::Expired)
            };
        }
        let bearer = Arc::new(self.verify(token, keys).await?);
        if token.len() <= CACHED_LEN {
            inner.bearers.insert(token.into(), bearer.clone());
        }
        Ok(bearer)
    }

    /// Whether the credential of a token still counts, for requests that are about no repository. Anonymous tokens always
    /// do. Warm: no statement.
    pub async fn is_valid(&self, bearer: &Bearer) -> Result<bool, pierhead_db::Error> {
        let Some(asker) = bearer.asker() else {
            return Ok(true);
        };
        let known = self.standing(asker).await?;
        Ok(bearer.still_counts(known.standing.as_ref(), self.inner.clock.now_naive()))
    }

    /// `keys` is the generation from before the key is looked up: should they change meanwhile, the token is verified again.
    async fn verify(&self, token: &str, keys: u64) -> Result<Bearer, BearerError> {
        let inner = &self.inner;
        let jws = Jws::parse(token, &[Algorithm::Rs256])?;
        let kid = jws.kid.as_deref().ok_or(BearerError::MissingKeyId)?;
        let key = inner
            .keys
            .verifying_key(kid)
            .await?
            .ok_or(BearerError::UnknownKey)?;
        if !key.verifies(&jws) {
            return Err(BearerError::Signature);
        }
        let claims: Claims =
            serde_json::from_slice(&jws.payload).map_err(|_| BearerError::NotARegistryToken)?;
        self.check(&claims)?;
        Ok(Bearer {
            subject: self.subject(&claims).await?,
            grants: claims
                .access
                .iter()
                .filter_map(|entry| self.grant(entry))
                .collect(),
            ends_at: claims.exp.saturating_add(LEEWAY_S),
            keys,
        })
    }

    fn check(&self, claims: &Claims) -> Result<(), BearerError> {
        self.check_origin(claims)?;
        let foreign_use = claims
            .pierhead
            .as_ref()
            .is_some_and(|own| !own.is_registry());
        if claims.sub.is_empty() || foreign_use {
            return Err(BearerError::NotARegistryToken);
        }
        Ok(())
    }

    /// Whether a token is of this registry, for it, and valid now.
    pub(crate) fn check_origin(&self, claims: &Claims) -> Result<(), BearerError> {
        let config = &self.inner.config;
        let now = self.inner.clock.unix();
        let max_s = config.max_token_life.as_secs();
        if claims.iss != self.inner.keys.service() {
            return Err(BearerError::Issuer);
        }
        if !claims.aud.contains(&config.server_hostname) {
            return Err(BearerError::Audience);
        }
        if claims.nbf > now.saturating_add(LEEWAY_S) || claims.iat > now.saturating_add(LEEWAY_S) {
            return Err(BearerError::NotYetValid);
        }
        if claims.exp.saturating_add(LEEWAY_S) <= now {
            return Err(BearerError::Expired);
        }
        let life = claims.exp.saturating_sub(claims.iat);
        if life > i64::try_from(max_s).unwrap_or(i64::MAX) {
            return Err(BearerError::TooLong { max_s });
        }
        Ok(())
    }

    fn grant(&self, entry: &AccessEntry) -> Option<(RepositoryName, Role)> {
        let crate::claims::EntryKind::Repository = entry.kind;
        let has = |action| entry.actions.contains(&action);
        let role = if has(EntryAction::All) {
            Role::Admin
        } else if has(EntryAction::Push) {
            Role::Write
        } else if has(EntryAction::Pull) {
            Role::Read
        } else {
            return None;
        };
        let config = &self.inner.config;
        let path = entry
            .name
            .strip_prefix(&config.server_hostname)
            .and_then(|rest| rest.strip_prefix('/'))
            .unwrap_or(&entry.name);
        Some((RepositoryName::parse(path, &config.names).ok()?, role))
    }

    /// Who the token was issued to: named by our own claim, or looked up by Quay's.
    async fn subject(&self, claims: &Claims) -> Result<Option<Subject>, BearerError> {
        if claims.context.entity_kind == ANONYMOUS {
            return Ok(None);
        }
        if let Some(own) = &claims.pierhead {
            let named = own.credential().ok_or(BearerError::NotARegistryToken)?;
            return Ok(Some(Subject {
                credential: named.id,
                user_id: named.user,
                name: claims.sub.clone(),
                fingerprint: Some(named.fingerprint),
                stripe: principal_stripe(named.id, named.user),
            }));
        }
        let reference = claims
            .context
            .entity_reference
            .as_deref()
            .ok_or(BearerError::NotARegistryToken)?;
        let standing = self
            .by_reference(&claims.context.entity_kind, reference)
            .await?
            .ok_or(BearerError::Gone)?;
        let credential = &standing.credential;
        let user_id = credential.account.as_ref().map(|account| account.id);
        Ok(Some(Subject {
            credential: credential.id,
            user_id,
            name: credential.subject().to_owned(),
            fingerprint: None,
            stripe: principal_stripe(credential.id, user_id),
        }))
    }

    /// The credential that Quay's `context` means.
    async fn by_reference(
        &self,
        kind: &str,
        reference: &str,
    ) -> Result<Option<Standing>, BearerError> {
        let table = match kind {
            "user" => CredentialTable::Password,
            "robot" => CredentialTable::Robot,
            "appspecifictoken" => CredentialTable::AppToken,
            "oauthtoken" => CredentialTable::OAuthToken,
            "token" => CredentialTable::AccessToken,
            _ => return Err(BearerError::NotARegistryToken),
        };
        let mut conn = self.inner.db.read().await?;
        let row = match table {
            CredentialTable::Robot => {
                principals::find_robot(&mut conn, reference, robot_owner(reference)).await?
            }
            CredentialTable::AccessToken => {
                let public = reference
                    .get(..random::ACCESS_TOKEN_NAME)
                    .ok_or(BearerError::NotARegistryToken)?;
                principals::find_token(&mut conn, table, public).await?
            }
            _ => principals::find_by_uuid(&mut conn, table, reference).await?,
        };
        Ok(row.and_then(|row| Standing::from_row(table, &row)))
    }
}
