//! OAuth scopes: what a token may use of the rights of the one who granted it (api-v1.md §2.3).

use std::fmt;

/// One scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// `repo:read`
    RepoRead,
    /// `repo:write`
    RepoWrite,
    /// `repo:admin`
    RepoAdmin,
    /// `repo:create`
    RepoCreate,
    /// `user:read`
    UserRead,
    /// `user:admin`
    UserAdmin,
    /// `org:admin`
    OrgAdmin,
    /// `super:user`
    SuperUser,
}

impl Scope {
    /// Every scope that can be granted.
    pub const ALL: [Self; 8] = [
        Self::RepoRead,
        Self::RepoWrite,
        Self::RepoAdmin,
        Self::RepoCreate,
        Self::UserRead,
        Self::OrgAdmin,
        Self::SuperUser,
        Self::UserAdmin,
    ];

    /// Its name in tokens and requests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RepoRead => "repo:read",
            Self::RepoWrite => "repo:write",
            Self::RepoAdmin => "repo:admin",
            Self::RepoCreate => "repo:create",
            Self::UserRead => "user:read",
            Self::UserAdmin => "user:admin",
            Self::OrgAdmin => "org:admin",
            Self::SuperUser => "super:user",
        }
    }

    /// The scope with that name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u8);

impl Scopes {
    /// Reads names separated by spaces or commas. One name that is not a scope voids them all, as does an empty one.
    pub fn parse(text: &str) -> Self {
        text.split([' ', ','])
            .map(Scope::by_name)
            .collect::<Option<Self>>()
            .unwrap_or_default()
    }

    /// Whether there is none: nothing is granted, or what was asked for is not made of scopes.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the scope itself is in the set.
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & bit(scope) != 0
    }

    /// The set with what its members include: `repo:admin` includes `repo:write`, and that `repo:read`.
    #[must_use]
    pub const fn implied(self) -> Self {
        let mut bits = self.0;
        if bits & bit(Scope::RepoAdmin) != 0 {
            bits |= bit(Scope::RepoWrite);
        }
        if bits & bit(Scope::RepoWrite) != 0 {
            bits |= bit(Scope::RepoRead);
        }
        Self(bits)
    }

    /// Whether every scope of `other` is in this set or included by a member.
    pub const fn covers(self, other: Self) -> bool {
        other.0 & !self.implied().0 == 0
    }

    /// The scopes, in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL
            .into_iter()
            .filter(move |scope| self.contains(*scope))
    }
}

const fn bit(scope: Scope) -> u8 {
    1 << scope as u8
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | bit(scope)))
    }
}

impl fmt::Display for Scopes {
    /// Names separated by spaces, as tokens store them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, scope) in self.iter().enumerate() {
            let separator = if nth == 0 { "" } else { " " };
            write!(f, "{separator}{}", scope.name())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scopes({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_and_commas_separate_scopes() {
        let scopes = Scopes::parse("repo:read,user:admin org:admin");
        assert_eq!(scopes.to_string(), "repo:read org:admin user:admin");
        assert!(scopes.contains(Scope::OrgAdmin) && !scopes.contains(Scope::RepoWrite));
    }

    #[test]
    fn one_unknown_or_empty_name_voids_them_all() {
        for text in [
            "",
            "repo:read  user:read",
            "repo:read repo:delete",
            "direct_user_login",
        ] {
            assert!(Scopes::parse(text).is_empty(), "{text:?}");
        }
    }

    #[test]
    fn administering_includes_writing_and_writing_includes_reading() {
        let admin = Scopes::parse("repo:admin");
        assert!(admin.covers(Scopes::parse("repo:read repo:write")));
        assert!(!admin.contains(Scope::RepoRead));
        assert!(!Scopes::parse("repo:read").covers(admin));
        assert!(!admin.covers(Scopes::parse("repo:create")));
    }
}
