//! Scopes and applications as people are told about them before and after they agree.

use pierhead_auth::accounts::OAuthApplication;
use pierhead_auth::{Scope, Scopes};
use serde::Serialize;
use utoipa::ToSchema;

use super::avatar::{Avatar, Of};
use crate::state::Api;

/// What a scope lets an application do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ScopeView {
    /// In a few words.
    pub(crate) title: &'static str,
    /// Its name.
    pub(crate) scope: &'static str,
    /// In a sentence.
    pub(crate) description: &'static str,
    /// A class of Font Awesome.
    pub(crate) icon: &'static str,
    /// Whether the application should be trusted fully.
    pub(crate) dangerous: bool,
}

impl ScopeView {
    pub(crate) fn of(scope: Scope) -> Self {
        let (title, description, icon, dangerous) = match scope {
            Scope::RepoRead => (
                "View all visible repositories",
                "The application can view and pull every repository that you can see.",
                "fa-hdd-o",
                false,
            ),
            Scope::RepoWrite => (
                "Read/Write to any accessible repositories",
                "The application can view, pull and push every repository that you can push.",
                "fa-hdd-o",
                false,
            ),
            Scope::RepoAdmin => (
                "Administer Repositories",
                "The application can administer every repository that you can administer: change its settings and permissions, and delete it.",
                "fa-hdd-o",
                false,
            ),
            Scope::RepoCreate => (
                "Create Repositories",
                "The application can create repositories wherever you can.",
                "fa-plus",
                false,
            ),
            Scope::UserRead => (
                "Read User Information",
                "The application can read your user name, e-mail address and profile.",
                "fa-user",
                false,
            ),
            Scope::UserAdmin => (
                "Administer User",
                "The application can administer your account: create robots, give them permissions, and change your settings. Agree only if you trust the application fully.",
                "fa-gear",
                true,
            ),
            Scope::OrgAdmin => (
                "Administer Organization",
                "The application can administer your organizations: create robots and teams, and change who belongs to them. Agree only if you trust the application fully.",
                "fa-gear",
                true,
            ),
            Scope::SuperUser => (
                "Super User Access",
                "The application can administer this registry: manage its users, organizations and keys. Agree only if you trust the application fully.",
                "fa-street-view",
                true,
            ),
        };
        Self {
            title,
            scope: scope.name(),
            description,
            icon,
            dangerous,
        }
    }

    /// Those of a text; none if it is not understood.
    pub(crate) fn of_text(text: &str) -> Vec<Self> {
        Scopes::parse(text).iter().map(Self::of).collect()
    }
}

/// The organization that owns an application.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnerView {
    /// Its name.
    pub(crate) name: String,
    /// Its avatar.
    pub(crate) avatar: Avatar,
}

/// An application as somebody is told about it who gave it a token.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApplicationView {
    /// For people.
    pub(crate) name: String,
    /// Its client id, where it is to be used again.
    #[serde(rename = "clientId", skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<String>,
    /// For people.
    pub(crate) description: String,
    /// Its home page.
    pub(crate) url: String,
    /// Its avatar.
    pub(crate) avatar: Avatar,
    /// Who owns it.
    pub(crate) organization: OwnerView,
}

impl ApplicationView {
    pub(crate) fn of(api: &Api, application: &OAuthApplication) -> Self {
        Self {
            name: application.name.clone(),
            client_id: None,
            description: application.description.clone(),
            url: application.application_uri.clone(),
            avatar: avatar(api, application),
            organization: OwnerView {
                name: application.owner.clone(),
                avatar: owner_avatar(api, application),
            },
        }
    }
}

/// The avatar of an application: of its own address, or else of its organization's.
pub(crate) fn avatar(api: &Api, application: &OAuthApplication) -> Avatar {
    let email = application
        .avatar_email
        .as_deref()
        .filter(|email| !email.is_empty())
        .unwrap_or(&application.owner_email);
    api.avatar(Of::App, &application.name, Some(email))
}

/// The avatar of the organization that owns an application.
pub(crate) fn owner_avatar(api: &Api, application: &OAuthApplication) -> Avatar {
    api.avatar(Of::Org, &application.owner, Some(&application.owner_email))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_is_told_and_text_that_is_no_scopes_is_nothing() {
        let all: Vec<_> = Scope::ALL.into_iter().map(ScopeView::of).collect();
        assert!(
            all.iter()
                .all(|view| !view.title.is_empty() && !view.description.is_empty())
        );
        let dangerous = all.iter().filter(|view| view.dangerous).count();
        assert_eq!(dangerous, 3);
        assert_eq!(ScopeView::of_text("repo:read,user:read").len(), 2);
        assert!(ScopeView::of_text("repo:read everything").is_empty());
    }
}
