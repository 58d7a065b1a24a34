//! Registry tokens as JSON web tokens: what is in them, and who they are for (registry.md §3.3).
//!
//! The claims are Quay's, so that Quay accepts them, and one of our own, `pierhead`. It names the stored credential with its
//! fingerprint, so that replacing the credential ends its tokens, and the token's use, so that nothing else signed with the
//! same key passes for a registry token and no registry token passes for anything else.
//!
//! Deviation: for a repository's access token Quay puts the whole secret into the token. Here only its public part is in
//! it, which suffices to find the row.

use std::collections::BTreeMap;

use pierhead_db::UserId;
use pierhead_db::queries::principals::CredentialTable;
use pierhead_oci::Actions;
use serde::{Deserialize, Serialize};

use crate::credential::{Credential, CredentialId, Fingerprint, table_by_name, table_name};

/// `pierhead.use` of registry tokens.
const REGISTRY_USE: &str = "registry";
/// `pierhead.use` of tokens that are a robot's password for an hour.
const ROBOT_USE: &str = "robot";
const CONTEXT_VERSION: u8 = 2;
/// The claim with the root of trust of each repository that a token is about.
pub(crate) const TRUST_ROOTS: &str = "com.apostille.roots";
/// The claim with the root of trust of the only one.
pub(crate) const TRUST_ROOT: &str = "com.apostille.root";
/// `entity_kind` without a credential.
pub(crate) const ANONYMOUS: &str = "anonymous";

/// Whose signatures of tags a server of trust metadata shows to the bearer of a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TrustRoot {
    /// Nobody's: content trust is off.
    #[default]
    Disabled,
    /// Those that the registry vouches for.
    Registry,
    /// Those of the signers themselves: for whoever may sign.
    Signer,
}

impl TrustRoot {
    /// As Quay writes it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "$disabled",
            Self::Registry => "quay",
            Self::Signer => "signer",
        }
    }
}

/// Everything in a token's payload except its times.
#[derive(Serialize)]
pub(crate) struct NewClaims<'a> {
    pub(crate) iss: &'a str,
    pub(crate) aud: Option<&'a str>,
    pub(crate) sub: &'a str,
    pub(crate) access: Vec<NewAccess<'a>>,
    pub(crate) context: NewContext<'a>,
    pub(crate) pierhead: OwnClaim,
}

/// An entry of `access`.
#[derive(Serialize)]
pub(crate) struct NewAccess<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'a str,
    actions: Vec<&'static str>,
}

impl<'a> NewAccess<'a> {
    /// Actions on the repository with that name, as requested.
    pub(crate) fn repository(name: &'a str, actions: Actions) -> Self {
        Self {
            kind: "repository",
            name,
            actions: actions.iter().map(pierhead_oci::Action::as_str).collect(),
        }
    }
}

/// `context`.
#[derive(Serialize)]
pub(crate) struct NewContext<'a> {
    version: u8,
    entity_kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity_reference: Option<&'a str>,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oauth: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(rename = "com.apostille.roots")]
    roots: BTreeMap<&'a str, &'static str>,
    #[serde(rename = "com.apostille.root")]
    root: &'static str,
}

impl<'a> NewContext<'a> {
    /// The context of a credential, or of an anonymous client, with the repositories that were asked for.
    pub(crate) fn new(
        credential: Option<&'a Credential>,
        repositories: impl Iterator<Item = (&'a str, TrustRoot)>,
    ) -> Self {
        let roots: BTreeMap<_, _> = repositories
            .map(|(name, root)| (name, root.as_str()))
            .collect();
        let root = match roots.values().next() {
            Some(root) if roots.len() == 1 => root,
            _ => TrustRoot::Disabled.as_str(),
        };
        let mut context = Self {
            version: CONTEXT_VERSION,
            entity_kind: ANONYMOUS,
            entity_reference: None,
            kind: ANONYMOUS,
            user: None,
            oauth: None,
            token: None,
            roots,
            root,
        };
        let Some(credential) = credential else {
            return context;
        };
        let reference = credential.reference.as_deref();
        let account = credential.account.as_ref();
        context.user = account.map(|account| account.username.as_str());
        (context.entity_kind, context.kind, context.entity_reference) = match credential.id.table {
            CredentialTable::Password => (
                "user",
                "user",
                account.and_then(|account| account.uuid.as_deref()),
            ),
            CredentialTable::Robot => ("robot", "user", context.user),
            CredentialTable::AppToken => ("appspecifictoken", "user", reference),
            CredentialTable::OAuthToken => {
                context.oauth = reference;
                ("oauthtoken", "oauth", reference)
            }
            CredentialTable::AccessToken => {
                context.token = reference;
                ("token", "token", reference)
            }
        };
        context
    }
}

/// `pierhead`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct OwnClaim {
    #[serde(rename = "use")]
    purpose: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    credential: Option<OwnCredential>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct OwnCredential {
    table: String,
    row: i32,
    fingerprint: Fingerprint,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    user: Option<i32>,
}

/// The stored credential that a token names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NamedCredential {
    pub(crate) id: CredentialId,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) user: Option<UserId>,
}

impl OwnClaim {
    pub(crate) fn new(credential: Option<&Credential>) -> Self {
        Self {
            purpose: REGISTRY_USE.to_owned(),
            credential: credential.map(|credential| OwnCredential {
                table: table_name(credential.id.table).to_owned(),
                row: credential.id.row,
                fingerprint: credential.fingerprint,
                user: credential.account.as_ref().map(|account| account.id.0),
            }),
        }
    }

    /// The claim of a token that is a robot's password.
    pub(crate) fn robot_password(credential: &Credential) -> Self {
        Self {
            purpose: ROBOT_USE.to_owned(),
            ..Self::new(Some(credential))
        }
    }

    pub(crate) fn is_registry(&self) -> bool {
        self.purpose == REGISTRY_USE
    }

    pub(crate) fn is_robot_password(&self) -> bool {
        self.purpose == ROBOT_USE
    }

    /// The credential; `None` if the claim names none, or none that is understood.
    pub(crate) fn credential(&self) -> Option<NamedCredential> {
        let named = self.credential.as_ref()?;
        Some(NamedCredential {
            id: CredentialId {
                table: table_by_name(&named.table)?,
                row: named.row,
            },
            fingerprint: named.fingerprint,
            user: named.user.map(UserId),
        })
    }
}

/// A payload as received. Members that are not here are ignored; those that are not optional must be there.
#[derive(Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) aud: Audience,
    pub(crate) sub: String,
    pub(crate) iat: i64,
    pub(crate) nbf: i64,
    pub(crate) exp: i64,
    pub(crate) access: Vec<AccessEntry>,
    pub(crate) context: Context,
    #[serde(default)]
    pub(crate) pierhead: Option<OwnClaim>,
}

/// One audience, or several (RFC 7519 §4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    pub(crate) fn contains(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Many(many) => many.iter().any(|one| one == audience),
        }
    }
}

/// An entry of `access`. A type other than `repository`, as in tokens for the storage proxy, is no registry access.
#[derive(Deserialize)]
pub(crate) struct AccessEntry {
    #[serde(rename = "type")]
    pub(crate) kind: EntryKind,
    pub(crate) name: String,
    pub(crate) actions: Vec<EntryAction>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EntryKind {
    Repository,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum EntryAction {
    #[serde(rename = "push")]
    Push,
    #[serde(rename = "pull")]
    Pull,
    #[serde(rename = "*")]
    All,
}

/// `context`, which only registry tokens have with these members.
#[derive(Deserialize)]
pub(crate) struct Context {
    pub(crate) entity_kind: String,
    #[serde(default)]
    pub(crate) entity_reference: Option<String>,
}
