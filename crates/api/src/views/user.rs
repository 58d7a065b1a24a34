//! A person in answers: to everybody their name, to themselves everything (api-v1.md §5.1 *userView*).

use pierhead_auth::{Credential, Scope};
use pierhead_db::queries::profiles::Profile;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::error::Result;
use crate::services::users::profile::{self, Namespaces, Own};
use crate::state::Api;
use crate::views::avatar::{Avatar, Of};
use crate::views::quota::NamespaceQuotas;

/// A person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserView {
    /// Always false: anonymous callers get no view.
    anonymous: bool,
    /// The name.
    username: String,
    /// What a client draws them from.
    avatar: Avatar,
    /// What people see of themselves alone.
    #[serde(flatten)]
    own: Option<OwnView>,
    /// What the person's namespace may hold and holds, while quotas are counted.
    #[serde(flatten)]
    quotas: Option<NamespaceQuotas>,
    /// The organizations that the person belongs to, and the namespaces that everybody is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    organizations: Option<Vec<OrganizationView>>,
    /// Whether it is the caller, who is a superuser; missing unless the caller is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    super_user: Option<bool>,
    /// Whether it is the caller, who may read everything; missing unless the caller may.
    #[serde(skip_serializing_if = "Option::is_none")]
    global_readonly_super_user: Option<bool>,
}

/// What people see of themselves alone.
#[derive(Debug, Serialize, ToSchema)]
struct OwnView {
    /// Always true, in one's own namespace.
    can_create_repo: bool,
    /// Always true.
    is_me: bool,
    /// The address was confirmed.
    verified: bool,
    /// The address, or a uuid where there is none.
    email: String,
    /// External identities.
    logins: Vec<LoginView>,
    /// Whether invoices are sent.
    invoice_email: bool,
    /// Where to.
    invoice_email_address: Option<String>,
    /// Of hosted Quay.
    preferred_namespace: bool,
    /// Seconds that deleted tags can be brought back.
    tag_expiration_s: i64,
    /// What the person is still to be asked: `confirm_username`, `enter_name`, `enter_company`.
    prompts: Vec<String>,
    /// As the person says.
    company: Option<String>,
    /// As the person says.
    family_name: Option<String>,
    /// As the person says.
    given_name: Option<String>,
    /// As the person says.
    location: Option<String>,
    /// Of hosted Quay.
    is_free_account: bool,
    /// Whether the person signs in with a password of this registry.
    has_password_set: bool,
}

/// An external identity.
#[derive(Debug, Serialize, ToSchema)]
struct LoginView {
    /// The service.
    service: String,
    /// Who the person is there.
    service_identifier: String,
    /// What the service told.
    #[schema(value_type = Object)]
    metadata: Value,
}

/// An organization of a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserOrganizationView)]
struct OrganizationView {
    /// The name.
    name: String,
    /// What a client draws it from.
    avatar: Avatar,
    /// Whether the caller may make repositories in it.
    can_create_repo: bool,
    /// Shown to everybody (`PUBLIC_NAMESPACES`).
    public: bool,
    /// Whether the caller administers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_org_admin: Option<bool>,
    /// Of hosted Quay.
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_namespace: Option<bool>,
}

impl UserView {
    /// A person as a caller sees them. Up to four statements for oneself, none for others.
    pub(crate) async fn of(api: &Api, caller: &Caller, user: &Profile) -> Result<Self> {
        let credential = caller.credential().filter(|_| is_caller(caller, user));
        Self::with(api, caller, user, Rights::of(credential, caller)).await
    }

    /// A person who has just signed in, as they see themselves.
    pub(crate) async fn of_newcomer(api: &Api, caller: &Caller, user: &Profile) -> Result<Self> {
        let mut view = Self::with(api, caller, user, Rights::ALL).await?;
        if api.auth().config().is_superuser(&user.username) {
            // Quay compares the newcomer with the caller, who is nobody yet.
            view.super_user = Some(false);
        }
        Ok(view)
    }

    async fn with(api: &Api, caller: &Caller, user: &Profile, rights: Rights) -> Result<Self> {
        let own = if rights.administers {
            let own = profile::own(api, user.id).await?;
            Some(OwnView::new(user, own, api.is_database_auth()))
        } else {
            None
        };
        let quotas = if rights.administers {
            NamespaceQuotas::of(api, &mut api.db().read().await?, user.id).await?
        } else {
            None
        };
        let organizations = if rights.reads {
            let found = profile::namespaces(api, user.id).await?;
            Some(organizations(api, found, rights))
        } else {
            None
        };
        let me = is_caller(caller, user);
        Ok(Self {
            anonymous: false,
            username: user.username.clone(),
            avatar: api.avatar(Of::User, &user.username, Some(&user.email)),
            own,
            quotas,
            organizations,
            super_user: caller.is_superuser().then_some(me),
            global_readonly_super_user: caller.is_global_readonly().then_some(me),
        })
    }
}

fn is_caller(caller: &Caller, user: &Profile) -> bool {
    caller.user().is_some_and(|account| account.id == user.id)
}

impl OwnView {
    fn new(user: &Profile, own: Own, database_auth: bool) -> Self {
        let logins = own.logins.into_iter().map(|login| LoginView {
            metadata: serde_json::from_str(&login.metadata_json)
                .unwrap_or_else(|_| Value::Object(serde_json::Map::new())),
            service: login.service,
            service_identifier: login.service_ident,
        });
        Self {
            can_create_repo: true,
            is_me: true,
            verified: user.verified,
            email: user.email.clone(),
            logins: logins.collect(),
            invoice_email: user.invoice_email,
            invoice_email_address: user.invoice_email_address.clone(),
            preferred_namespace: user.paying,
            tag_expiration_s: user.removed_tag_expiration_s,
            prompts: own.prompts,
            company: user.company.clone(),
            family_name: user.family_name.clone(),
            given_name: user.given_name.clone(),
            location: user.location.clone(),
            is_free_account: !user.paying,
            has_password_set: database_auth && user.has_password,
        }
    }
}

/// What the caller may see of the person, and may do with the person's organizations.
#[derive(Clone, Copy)]
struct Rights {
    administers: bool,
    reads: bool,
    org_admin: bool,
    creates: bool,
    full_access: bool,
}

impl Rights {
    const ALL: Self = Self {
        administers: true,
        reads: true,
        org_admin: true,
        creates: true,
        full_access: false,
    };

    fn of(credential: Option<&Credential>, caller: &Caller) -> Self {
        let has = |scope| {
            credential.is_some_and(|credential| {
                credential
                    .scopes
                    .is_none_or(|scopes| scopes.contains(scope))
            })
        };
        Self {
            administers: credential.is_some_and(Credential::administers_user),
            reads: credential.is_some_and(Credential::reads_user),
            org_admin: has(Scope::OrgAdmin),
            creates: has(Scope::OrgAdmin) || has(Scope::RepoCreate),
            full_access: caller.has_full_access(),
        }
    }
}

fn organizations(api: &Api, found: Namespaces, rights: Rights) -> Vec<OrganizationView> {
    let public_names = &api.config().users.public_namespaces;
    let view = |name: String, email: &str, paying: bool, admin: bool, creator: bool| {
        let is_admin = rights.full_access || (admin && rights.org_admin);
        OrganizationView {
            avatar: api.avatar(Of::Org, &name, Some(email)),
            can_create_repo: rights.full_access || (creator && rights.creates),
            public: public_names.contains(&name),
            is_org_admin: rights.administers.then_some(is_admin),
            preferred_namespace: rights.administers.then_some(paying),
            name,
        }
    };
    let mut views: Vec<_> = found
        .memberships
        .into_iter()
        .map(|org| {
            view(
                org.username,
                &org.email,
                org.paying,
                org.is_admin,
                org.can_create,
            )
        })
        .collect();
    views.extend(
        found
            .public
            .into_iter()
            .map(|org| view(org.username, &org.email, org.paying, false, false)),
    );
    views
}
