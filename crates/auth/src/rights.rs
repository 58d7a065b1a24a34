//! The rule: what an account may do with a repository (registry.md §2, §3.2, §3.5).
//!
//! A pure function of what the database says and the configuration, the same at token issue and at every access. Public
//! visibility, roles, ownership, teams, superusers, OAuth caps, repository states and mirrors all end here.

use std::sync::Arc;

use pierhead_db::queries::permissions::{RepositoryRow, RoleRow};
use pierhead_db::{NamespaceId, RepositoryId};
use pierhead_oci::RepositoryName;

use crate::cap::{Role, TeamRole};
use crate::claims::TrustRoot;
use crate::config::AuthConfig;
use crate::enum_ids::EnumIds;
use crate::standing::Standing;

/// `repository.state` (database.md §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepositoryState {
    /// Pulls and pushes.
    Normal,
    /// Pulls only.
    ReadOnly,
    /// Only the mirror's robot pushes.
    Mirror,
    /// Being deleted: does not exist for clients.
    MarkedForDeletion,
    /// Only the organization mirror's robot pushes.
    OrgMirror,
}

impl RepositoryState {
    /// `repository.state`.
    pub const fn number(self) -> i32 {
        match self {
            Self::Normal => 0,
            Self::ReadOnly => 1,
            Self::Mirror => 2,
            Self::MarkedForDeletion => 3,
            Self::OrgMirror => 4,
        }
    }

    /// The state with that number. An unknown one, from a later release, is treated as read-only.
    fn from_number(number: i32) -> Self {
        match number {
            0 => Self::Normal,
            2 => Self::Mirror,
            3 => Self::MarkedForDeletion,
            4 => Self::OrgMirror,
            _ => Self::ReadOnly,
        }
    }
}

/// `repository.kind_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepositoryKind {
    /// Container images.
    Image,
    /// Quay's former application registry: not served.
    Application,
}

/// A repository as requests see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// `repository.id`.
    pub id: RepositoryId,
    /// The namespace's row.
    pub namespace_id: NamespaceId,
    /// Namespace and repository.
    pub name: RepositoryName,
    /// What its state allows.
    pub state: RepositoryState,
    /// What it holds.
    pub kind: RepositoryKind,
    /// Whether everyone may pull.
    pub public: bool,
    /// Whether content trust is on.
    pub trusted: bool,
    /// Whether the namespace is enabled; if not, nobody has any access.
    pub namespace_enabled: bool,
    /// Whether the namespace has no billing account (`stripe_id`).
    pub namespace_free: bool,
}

/// What a credential, or an anonymous client, may do with one repository name now, before the limits of its token.
#[derive(Debug)]
pub(crate) struct Rights {
    /// The credential; `None` for anonymous clients, and when it is gone.
    pub(crate) standing: Option<Standing>,
    pub(crate) namespace: Option<Namespace>,
    /// The repository, unless it is missing or being deleted.
    pub(crate) repository: Option<Arc<Repository>>,
    /// It is there, but being deleted.
    pub(crate) being_deleted: bool,
    pub(crate) pull: bool,
    pub(crate) push: bool,
    pub(crate) admin: bool,
    /// A push to the missing repository may create it.
    pub(crate) create: bool,
    /// The role, whatever the state of the repository and without what superusers have.
    pub(crate) role: Option<Role>,
    /// Whose signatures of its tags are shown.
    pub(crate) root: TrustRoot,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Namespace {
    pub(crate) id: NamespaceId,
    pub(crate) enabled: bool,
}

impl Rights {
    /// Judges what the database said about `name`.
    pub(crate) fn judge(
        config: &AuthConfig,
        ids: &EnumIds,
        name: &RepositoryName,
        row: &RepositoryRow,
        standing: Option<Standing>,
        roles: RoleRow,
    ) -> Self {
        let namespace = row.namespace_id.map(|id| Namespace {
            id,
            enabled: row.namespace_enabled == Some(true),
        });
        let found = namespace.and_then(|namespace| repository(ids, name, row, namespace));
        let being_deleted = found
            .as_ref()
            .is_some_and(|found| found.state == RepositoryState::MarkedForDeletion);
        let repository = found.filter(|_| !being_deleted);

        let who = Who::new(config, standing.as_ref());
        let own = who.own_namespace(namespace);
        let team = team_role(roles.organization_role);
        let held = repository_role(ids, row, &who, own, team, roles);
        let role = if who.full_access {
            Some(Role::Admin)
        } else {
            held
        };
        let write = role >= Some(Role::Write);
        let state = repository
            .as_ref()
            .map_or(RepositoryState::Normal, |found| found.state);
        let mirror_robot = row
            .mirror_robot_id
            .is_some_and(|robot| who.account_id() == Some(robot));
        let public = repository.as_ref().is_some_and(|found| found.public);
        let someone = standing.is_some() || config.anonymous_access;
        let proxied =
            config.proxy_cache && row.proxied && who.team(own, team) >= Some(TeamRole::Member);
        let served = namespace.is_some_and(|namespace| namespace.enabled) && !being_deleted;

        let pull = served
            && (role >= Some(Role::Read) || proxied || (public && someone) || who.reads_everything);
        let push = served
            && write
            && match state {
                RepositoryState::Normal => true,
                RepositoryState::Mirror | RepositoryState::OrgMirror => mirror_robot,
                RepositoryState::ReadOnly | RepositoryState::MarkedForDeletion => false,
            };
        let admin = served && role >= Some(Role::Admin) && state == RepositoryState::Normal;
        let trusted = repository.as_ref().is_some_and(|found| found.trusted);
        let root = match (config.signing && trusted, write) {
            (false, _) => TrustRoot::Disabled,
            (true, false) => TrustRoot::Registry,
            (true, true) => TrustRoot::Signer,
        };
        let create = served
            && repository.is_none()
            && who.may_create(own, team)
            && !(own && who.is_restricted(config))
            && !(config.org_mirror && row.mirrored);
        Self {
            standing,
            namespace,
            repository: repository.map(Arc::new),
            being_deleted,
            pull,
            push,
            admin,
            create,
            role: held,
            root,
        }
    }
}

fn repository(
    ids: &EnumIds,
    name: &RepositoryName,
    row: &RepositoryRow,
    namespace: Namespace,
) -> Option<Repository> {
    Some(Repository {
        id: row.repository_id?,
        namespace_id: namespace.id,
        name: name.clone(),
        state: RepositoryState::from_number(row.state?),
        kind: if row.kind_id == Some(ids.image) {
            RepositoryKind::Image
        } else {
            RepositoryKind::Application
        },
        public: row.visibility_id == Some(ids.public),
        trusted: row.trusted == Some(true),
        namespace_enabled: namespace.enabled,
        namespace_free: row.namespace_free,
    })
}

fn repository_role(
    ids: &EnumIds,
    row: &RepositoryRow,
    who: &Who<'_>,
    own: bool,
    team: Option<TeamRole>,
    roles: RoleRow,
) -> Option<Role> {
    if let Some((role, repository)) = who.standing.and_then(|standing| standing.token_role) {
        return (row.repository_id == Some(repository)).then_some(if role == ids.roles.admin {
            Role::Admin
        } else if role == ids.roles.write {
            Role::Write
        } else {
            Role::Read
        });
    }
    let granted = role(roles.user_role).max(role(roles.team_role));
    let by_namespace = (own || team == Some(TeamRole::Admin)).then_some(Role::Admin);
    granted.max(by_namespace).min(who.standing?.cap.repository)
}

/// What the rule needs to know of the one who asks.
struct Who<'a> {
    standing: Option<&'a Standing>,
    full_access: bool,
    reads_everything: bool,
}

impl<'a> Who<'a> {
    fn new(config: &AuthConfig, standing: Option<&'a Standing>) -> Self {
        let name = standing
            .and_then(|standing| standing.credential.account.as_ref())
            .map(|account| account.username.as_str());
        let reads_everything = name.is_some_and(|name| config.is_global_readonly_superuser(name))
            && standing.is_some_and(|standing| standing.cap.repository >= Some(Role::Read));
        let superuser = name.is_some_and(|name| config.is_superuser(name))
            && standing.is_some_and(|standing| standing.cap.superuser);
        Self {
            standing,
            full_access: superuser && config.superusers_full_access,
            reads_everything,
        }
    }

    fn account_id(&self) -> Option<pierhead_db::UserId> {
        let account = self.standing?.credential.account.as_ref()?;
        Some(account.id)
    }

    fn own_namespace(&self, namespace: Option<Namespace>) -> bool {
        match (self.account_id(), namespace) {
            (Some(account), Some(namespace)) => account.0 == namespace.id.0,
            _ => false,
        }
    }

    /// The role in the namespace, within the cap.
    fn team(&self, own: bool, team: Option<TeamRole>) -> Option<TeamRole> {
        let held = team.max(own.then_some(TeamRole::Admin));
        held.min(self.standing?.cap.team)
    }

    fn may_create(&self, own: bool, team: Option<TeamRole>) -> bool {
        self.full_access || self.team(own, team) >= Some(TeamRole::Creator)
    }

    fn is_restricted(&self, config: &AuthConfig) -> bool {
        self.standing
            .and_then(|standing| standing.credential.account.as_ref())
            .is_some_and(|account| config.is_restricted(&account.username))
    }
}

fn role(rank: Option<i32>) -> Option<Role> {
    match rank? {
        3 => Some(Role::Admin),
        2 => Some(Role::Write),
        1 => Some(Role::Read),
        _ => None,
    }
}

pub(crate) fn team_role(rank: Option<i32>) -> Option<TeamRole> {
    match rank? {
        3 => Some(TeamRole::Admin),
        2 => Some(TeamRole::Creator),
        1 => Some(TeamRole::Member),
        _ => None,
    }
}
