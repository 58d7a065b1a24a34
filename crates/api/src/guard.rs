//! Who may call a route. The first argument of every handler is its guard: a type that is extracted only if the caller may go
//! on, and that gives the handler what it found out on the way. A handler without one cannot become a route, and the matrix
//! of routes and callers is made from the guards of the router itself.

use std::fmt;

use axum::extract::FromRequestParts;
use pierhead_auth::Scope;

use crate::error::Error;
use crate::state::Api;

mod anyone;
mod basic_or_session;
mod by_session;
mod declared;
mod fresh;
mod full_superuser;
mod health_reader;
mod log_exporter;
mod organization;
mod organization_creator;
mod own_account;
mod plainly;
mod public;
mod registry_client;
mod repository;
mod returning;
mod robot_permissions;
mod signed_in;
mod superuser;
mod team;
mod with_basic;

pub(crate) use anyone::Anyone;
pub(crate) use basic_or_session::BasicOrSession;
pub(crate) use by_session::BySession;
pub(crate) use declared::{CreatesRepositories, Declares, ReadsRepositories};
pub(crate) use fresh::Fresh;
pub(crate) use full_superuser::FullSuperuserOnly;
pub(crate) use health_reader::{HEALTH_DEBUG, HealthReader};
pub(crate) use log_exporter::LogExporter;
pub(crate) use organization::{
    InOrganization, OrgAdmin, OrgAdminUnscoped, OrgMember, OrgMemberScoped, OrganizationRole,
};
pub(crate) use organization_creator::OrganizationCreator;
pub(crate) use own_account::OwnAccount;
pub(crate) use plainly::Plainly;
pub(crate) use public::Scoped;
pub(crate) use registry_client::RegistryClient;
pub(crate) use repository::{Admin, InRepository, Normal, Read, RepositoryRole, Write};
pub(crate) use returning::Returning;
pub(crate) use robot_permissions::RobotPermissionsReader;
pub(crate) use signed_in::{AdminUser, AnyScope, SignedIn, Unrestricted};
pub(crate) use superuser::{AllSuperusers, Auditors, Elevated, SuperuserOnly, Superusers};
pub(crate) use team::{TeamSyncer, TeamViewer};
pub(crate) use with_basic::{BasicCredential, WithBasic};

/// What a guard asks of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Who.
    pub who: Who,
    /// The scope that an OAuth token needs, as the API's description names it.
    pub scope: Option<Scope>,
    /// Global read-only superusers may read, too.
    pub global_readonly: bool,
    /// Restricted users may not.
    pub unrestricted: bool,
    /// Only while the repository takes pushes.
    pub normal: bool,
    /// Only soon after a sign-in.
    pub fresh: bool,
}

/// Whom a guard lets through. Superusers with full access may do what those of repositories and organizations may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Anybody, whatever credentials are sent.
    Anyone,
    /// Anybody, unless anonymous access is off.
    Public,
    /// Whoever is signed in.
    SignedIn,
    /// Whoever is signed in by a web session or Basic credentials: OAuth tokens do not count.
    BasicOrSession,
    /// Whoever is signed in by a web session: nothing else is looked at.
    Session,
    /// Whoever may see what the own account alone may see.
    UserRead,
    /// Whoever may change the own account.
    UserAdmin,
    /// Readers of the repository; everybody if it is public.
    RepositoryRead,
    /// Writers of the repository.
    RepositoryWrite,
    /// Administrators of the repository.
    RepositoryAdmin,
    /// Members of the organization.
    OrganizationMember,
    /// Administrators of the organization.
    OrganizationAdmin,
    /// Members of the team, and administrators of its organization.
    TeamMember,
    /// Administrators of the organization who may let an external group decide who is in a team.
    TeamSyncer,
    /// Superusers.
    Superuser,
    /// Superusers with full access.
    FullSuperuser,
}

impl Rule {
    /// Whoever that is, without further conditions.
    pub(crate) const fn of(who: Who, scope: Option<Scope>) -> Self {
        Self {
            who,
            scope,
            global_readonly: false,
            unrestricted: false,
            normal: false,
            fresh: false,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.who)?;
        for (holds, name) in [
            (self.global_readonly, "+global-readonly"),
            (self.unrestricted, "unrestricted"),
            (self.normal, "normal"),
            (self.fresh, "fresh"),
        ] {
            if holds {
                write!(f, " {name}")?;
            }
        }
        match self.scope {
            Some(scope) => write!(f, " [{}]", scope.name()),
            None => Ok(()),
        }
    }
}

/// A guard of handlers.
pub(crate) trait Guard: FromRequestParts<Api, Rejection = Error> + Send + 'static {
    /// What it asks.
    const RULE: Rule;
}

/// The arguments of a handler whose first is a guard. Implemented for what axum makes of a handler's arguments.
pub(crate) trait Guarded {
    /// The first argument.
    type Guard: Guard;
}

macro_rules! guarded {
    ($($rest:ident),*) => {
        impl<M, G: Guard $(, $rest)*> Guarded for (M, G $(, $rest)*) {
            type Guard = G;
        }
    };
}

guarded!();
guarded!(A);
guarded!(A, B);
guarded!(A, B, C);
guarded!(A, B, C, D);
guarded!(A, B, C, D, E);
guarded!(A, B, C, D, E, F);
