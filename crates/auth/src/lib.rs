//! The auth room: identities, credentials, registry tokens, permissions, service keys, and (in [`accounts`]) how accounts
//! are made and changed. No HTTP, no SQL.
//!
//! A request goes through three questions, each answered from a cache when it is warm:
//!
//! 1. [`Auth::basic`]: do this user name and password belong to a credential? (token endpoint only)
//! 2. [`Auth::issue`]: what does each requested scope grant, and the signed token for it; [`Auth::bearer`]: is this token
//!    one of ours?
//! 3. [`Auth::access`]: what may the token's credential do with this repository *now*?
//!
//! Because the third question is asked at each request, a token never outlives what it was issued for: a revoked
//! credential, a disabled user, a removed permission, a changed visibility or repository state counts at once on the
//! instance that was told ([`Auth::forget_repository`], [`Auth::forget_principal`], [`Auth::forget_everything`]) and
//! within five seconds on every other. Quay lets a token keep what it granted for its hour.

mod access;
mod account_watch;
pub mod accounts;
mod anonymous;
mod auth;
mod bearer;
mod cap;
mod claims;
mod clock;
mod config;
mod content_trust;
mod credential;
mod enum_ids;
mod federation;
mod freshness;
mod issue;
mod jws;
mod last_accessed;
mod push_creation;
mod rights;
mod scopes;
mod service_keys;
mod shared_key;
mod sign_in;
mod standing;
#[cfg(test)]
mod tests;
mod web;

pub use access::Access;
pub use account_watch::AccountWatch;
pub use auth::{Auth, OpenError, PrincipalId};
pub use bearer::{Bearer, BearerError, Subject};
pub use cap::{Role, TeamRole};
pub use clock::Clock;
pub use config::AuthConfig;
pub use credential::{Account, Credential, CredentialId, Fingerprint};
pub use federation::{Federation, FederationError, RobotPassword};
pub use issue::{Grant, IssuedToken, TokenError};
pub use pierhead_db::queries::principals::CredentialTable;
pub use push_creation::{PushCreation, PushCreationError};
pub use rights::{Repository, RepositoryKind, RepositoryState};
pub use scopes::{Scope, Scopes};
pub use service_keys::{
    JwkError, KeyFileError, PublishedKey, ServiceKeyError, ServiceKeys, ServiceKeysConfig,
    ServiceToken, ServiceTokenError, SigningError,
};
pub use shared_key::{SharedKeyError, verify_shared_key};
pub use sign_in::SignInError;
pub use web::{NamespaceRights, Organization, RepositoryRights};
