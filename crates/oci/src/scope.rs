//! Scopes that clients ask the token service for.
//!
//! Grammar of one scope, as Quay has it:
//! `repository:[<server hostname>/]<name>:<action>[,<action>…]` with actions `push`, `pull` and
//! `*`, where `<name>` is segments of `[.a-zA-Z0-9_-]+`. Whether the name is a valid repository
//! name is a separate question ([`RepositoryScope::repository_name`]) with a separate error.
//!
//! Wider than Quay, each because of the Docker token specification and clients that follow it:
//!
//! * several scopes in one parameter, separated by spaces (Quay: 400);
//! * `registry:catalog:*` (Quay: 400);
//! * the action `delete`, which `oras` asks for. It is understood and grants nothing: deleting
//!   needs `push`, which the challenge names. A request for it alone yields an entry without
//!   actions.
//!
//! Scopes of the same name are merged, so a token never has two entries for one repository.

use std::fmt;

use crate::excerpt::excerpt;
use crate::name::{NameError, NameRules, RepositoryName};

/// Most scopes of one token request. Docker asks for one, and one more for each source of a
/// cross-repository mount.
pub const MAX_SCOPES: usize = 100;

/// Longest scope in bytes: hostname, namespace, name and actions, generously.
pub const MAX_SCOPE_LEN: usize = 1024;

/// Something a token can allow on a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Write.
    Push,
    /// Read.
    Pull,
    /// Administer, `*`.
    All,
}

impl Action {
    /// In the order in which they are always listed.
    pub const ALL: [Self; 3] = [Self::Push, Self::Pull, Self::All];

    /// As in a scope or an `access` entry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Pull => "pull",
            Self::All => "*",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Push => 1,
            Self::Pull => 2,
            Self::All => 4,
        }
    }
}

/// A set of [`Action`]s, always listed in the order push, pull, `*`.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Actions(u8);

impl Actions {
    /// No action.
    pub const NONE: Self = Self(0);

    /// Adds `action`.
    pub fn insert(&mut self, action: Action) {
        self.0 |= action.bit();
    }

    /// Whether `action` itself is in the set; `*` does not stand for the others here.
    pub fn contains(self, action: Action) -> bool {
        self.0 & action.bit() != 0
    }

    /// Both sets together.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether nothing is asked for.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The actions in their order.
    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL.into_iter().filter(move |a| self.contains(*a))
    }
}

impl FromIterator<Action> for Actions {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        let mut set = Self::NONE;
        for action in actions {
            set.insert(action);
        }
        set
    }
}

/// Comma separated, as in a scope.
impl fmt::Display for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, action) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            f.write_str(action.as_str())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Actions({self})")
    }
}

/// Why a token request's scopes are refused (`INVALID_REQUEST`, 400).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// The text is not a scope this registry knows. The wording is Quay's.
    #[error("Unable to decode repository and actions: {scope}")]
    Undecodable {
        /// The beginning of the scope.
        scope: String,
    },
    /// More than [`MAX_SCOPES`] scopes.
    #[error("too many scopes in one token request: at most {max}")]
    TooMany {
        /// The limit.
        max: usize,
    },
}

/// Actions on one repository.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RepositoryScope {
    requested: Box<str>,
    host_len: usize,
    /// What is asked for.
    pub actions: Actions,
}

impl RepositoryScope {
    /// The name exactly as requested, with the leading `host/` if there was one. The token's
    /// `access` entry repeats it.
    pub fn requested_name(&self) -> &str {
        &self.requested
    }

    /// The name without host.
    pub fn path(&self) -> &str {
        &self.requested[self.host_len..]
    }

    /// The repository that is meant; an error is `NAME_INVALID`.
    pub fn repository_name(&self, rules: &NameRules) -> Result<RepositoryName, NameError> {
        RepositoryName::parse(self.path(), rules)
    }
}

/// One scope of a token request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// `repository:<name>:<actions>`.
    Repository(RepositoryScope),
    /// `registry:catalog:*`.
    Catalog,
}

impl Scope {
    /// Parses a single scope. `server_hostname` is `SERVER_HOSTNAME`, with its port if it has one.
    pub fn parse(text: &str, server_hostname: &str) -> Result<Self, ScopeError> {
        if text == "registry:catalog:*" {
            return Ok(Self::Catalog);
        }
        parse_repository(text, server_hostname)
            .map(Self::Repository)
            .ok_or_else(|| ScopeError::Undecodable {
                scope: excerpt(text),
            })
    }

    /// Parses all values of the (repeatable) `scope` parameter, in order, merged by name. Empty
    /// values are no scope.
    pub fn parse_all<'a>(
        values: impl IntoIterator<Item = &'a str>,
        server_hostname: &str,
    ) -> Result<Vec<Self>, ScopeError> {
        let mut scopes: Vec<Self> = Vec::new();
        let texts = values.into_iter().flat_map(|value| value.split(' '));
        for (i, text) in texts.filter(|text| !text.is_empty()).enumerate() {
            if i >= MAX_SCOPES {
                return Err(ScopeError::TooMany { max: MAX_SCOPES });
            }
            let scope = Self::parse(text, server_hostname)?;
            match scopes.iter_mut().find(|known| known.same_target(&scope)) {
                Some(known) => known.merge(&scope),
                None => scopes.push(scope),
            }
        }
        Ok(scopes)
    }

    fn same_target(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Catalog, Self::Catalog) => true,
            (Self::Repository(a), Self::Repository(b)) => a.requested == b.requested,
            _ => false,
        }
    }

    fn merge(&mut self, other: &Self) {
        if let (Self::Repository(a), Self::Repository(b)) = (self, other) {
            a.actions = a.actions.union(b.actions);
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repository(scope) => {
                write!(f, "repository:{}:{}", scope.requested, scope.actions)
            }
            Self::Catalog => f.write_str("registry:catalog:*"),
        }
    }
}

fn parse_repository(text: &str, server_hostname: &str) -> Option<RepositoryScope> {
    if text.len() > MAX_SCOPE_LEN {
        return None;
    }
    // The hostname may contain a colon, so the actions are split off from the right.
    let (requested, actions) = text.strip_prefix("repository:")?.rsplit_once(':')?;
    let actions = parse_actions(actions)?;
    let host_len = requested
        .strip_prefix(server_hostname)
        .filter(|_| !server_hostname.is_empty())
        .and_then(|rest| rest.strip_prefix('/'))
        .filter(|path| is_path(path))
        .map_or(0, |path| requested.len() - path.len());
    is_path(&requested[host_len..]).then(|| RepositoryScope {
        requested: requested.into(),
        host_len,
        actions,
    })
}

/// `[.a-zA-Z0-9_-]+` segments separated by slashes.
fn is_path(text: &str) -> bool {
    text.split('/').all(|segment| {
        !segment.is_empty()
            && segment
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    })
}

fn parse_actions(text: &str) -> Option<Actions> {
    let mut actions = Actions::NONE;
    for action in text.split(',') {
        match action {
            "push" => actions.insert(Action::Push),
            "pull" => actions.insert(Action::Pull),
            "*" => actions.insert(Action::All),
            "delete" => {}
            _ => return None,
        }
    }
    Some(actions)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    const HOST: &str = "registry.example.com:8443";

    fn repository(text: &str) -> RepositoryScope {
        match Scope::parse(text, HOST).unwrap() {
            Scope::Repository(scope) => scope,
            Scope::Catalog => panic!("{text} is not a repository scope"),
        }
    }

    #[test]
    fn actions_are_listed_in_one_order_whatever_was_asked() {
        let scope = repository("repository:acme/app:*,pull,push,pull");
        assert_eq!(scope.actions.to_string(), "push,pull,*");
        assert!(scope.actions.contains(Action::All));
        assert_eq!(
            Scope::parse("repository:acme/app:pull,push", HOST)
                .unwrap()
                .to_string(),
            "repository:acme/app:push,pull"
        );
    }

    #[test]
    fn a_leading_server_hostname_is_kept_in_the_name_and_not_in_the_path() {
        let scope = repository("repository:registry.example.com:8443/acme/a/b:pull");
        assert_eq!(scope.requested_name(), "registry.example.com:8443/acme/a/b");
        assert_eq!(scope.path(), "acme/a/b");
        assert_eq!(
            scope
                .repository_name(&NameRules::default())
                .unwrap()
                .as_str(),
            "acme/a/b"
        );
        assert!(Scope::parse("repository:other.example.com:8443/acme/a:pull", HOST).is_err());
    }

    #[test]
    fn a_path_that_is_no_repository_name_decodes_and_then_fails_as_a_name() {
        let scope = repository("repository:acme/App:pull");
        assert!(scope.repository_name(&NameRules::default()).is_err());
    }

    #[test]
    fn unknown_scopes_are_refused_with_quays_words() {
        for text in [
            "repository:acme/app",
            "repository:acme/app:",
            "repository:acme/app:frobnicate",
            "repository:acme/app:pull,",
            "repository::pull",
            "repository:acme//app:pull",
            "repository:acme/app:extra:pull",
            "repository(plugin):acme/app:pull",
            "registry:catalog:pull",
            "Repository:acme/app:pull",
            "repository:acme/äpp:pull",
            &format!("repository:acme/{}:pull", "a".repeat(MAX_SCOPE_LEN)),
        ] {
            let error = Scope::parse(text, HOST).unwrap_err();
            assert!(
                error
                    .to_string()
                    .starts_with("Unable to decode repository and actions: "),
                "{text}"
            );
        }
    }

    #[test]
    fn delete_is_understood_and_grants_nothing() {
        assert_eq!(repository("repository:a/b:delete").actions, Actions::NONE);
        assert_eq!(
            repository("repository:a/b:delete,pull").actions,
            Actions::from_iter([Action::Pull])
        );
    }

    #[test]
    fn repeated_and_space_separated_scopes_are_merged_by_name() {
        let scopes = Scope::parse_all(
            [
                "repository:a/b:pull repository:c/d:pull",
                "registry:catalog:*",
                "",
                "repository:a/b:push registry:catalog:*",
            ],
            HOST,
        )
        .unwrap();
        let texts: Vec<String> = scopes.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "repository:a/b:push,pull",
                "repository:c/d:pull",
                "registry:catalog:*"
            ]
        );
    }

    #[test]
    fn one_bad_scope_spoils_the_request() {
        assert!(Scope::parse_all(["repository:a/b:pull nonsense"], HOST).is_err());
    }

    #[test]
    fn the_number_of_scopes_is_limited() {
        let many = vec!["repository:a/b:pull"; MAX_SCOPES + 1];
        assert!(Scope::parse_all(many[1..].iter().copied(), HOST).is_ok());
        assert_eq!(
            Scope::parse_all(many, HOST),
            Err(ScopeError::TooMany { max: MAX_SCOPES })
        );
    }
}
