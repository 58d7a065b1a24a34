//! Repository and namespace names.
//!
//! A repository is addressed as `<namespace>/<repository>`: the first path segment is the
//! namespace, the rest is the repository name, slashes included (Quay's nested names). Three
//! grammars are involved:
//!
//! * repository, as Quay checks it: each segment `[a-z0-9][a-z0-9._-]*`, at most 255 characters
//!   in all. It contains the OCI grammar, and a segment can never be `.` or `..`;
//! * namespace when *addressed*: `[a-z0-9._-]{1,255}`, wide enough for whatever older releases
//!   stored, but never `.`, `..` or a robot (`ns+robot`);
//! * namespace when *created*: `^([a-z0-9]+(?:[._-][a-z0-9]+)*)$`, 2 to 255 characters.
//!
//! Deviation: Quay transliterates Unicode to ASCII and strips trailing slashes before it looks a
//! name up, so that several URLs mean one repository. Here such names are refused, as in the OCI
//! specification.

use std::fmt;

use crate::excerpt::excerpt;

/// Longest namespace and longest repository name, in characters; both are `varchar(255)`.
pub const MAX_NAME_LEN: usize = 255;

/// Why a name is refused. All of them are `NAME_INVALID` to a client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No namespace was given and the registry has no library namespace.
    #[error(
        "a namespace must be specified explicitly: \"{name}\" has the form <repository>, expected <namespace>/<repository>"
    )]
    NamespaceMissing {
        /// The name as given.
        name: String,
    },
    /// The first segment is not a namespace name.
    #[error(
        "invalid namespace \"{namespace}\": expected 1 to 255 characters of a-z, 0-9, '.', '_' and '-'"
    )]
    Namespace {
        /// The namespace as given.
        namespace: String,
    },
    /// The rest is not a repository name.
    #[error(
        "invalid repository name \"{repository}\": expected at most 255 characters of a-z, 0-9, '.', '_' and '-', each path segment starting with a letter or digit"
    )]
    Repository {
        /// The repository name as given.
        repository: String,
    },
    /// The repository name contains a slash and nested names are switched off.
    #[error(
        "invalid repository name \"{repository}\": nested names are disabled here (FEATURE_EXTENDED_REPOSITORY_NAMES)"
    )]
    NestedNotAllowed {
        /// The repository name as given.
        repository: String,
    },
    /// The text cannot become the name of a new user, organization or robot.
    #[error(
        "invalid name \"{name}\" for a new namespace: expected 2 to 255 characters, letters a-z and digits with single '.', '_' or '-' between them"
    )]
    NewNamespace {
        /// The name as given.
        name: String,
    },
}

/// The configuration fields that decide how a path becomes a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRules {
    /// `FEATURE_LIBRARY_SUPPORT`: a name without a slash belongs to the library namespace.
    pub library_support: bool,
    /// `LIBRARY_NAMESPACE`.
    pub library_namespace: String,
    /// `FEATURE_EXTENDED_REPOSITORY_NAMES`: repository names may contain slashes.
    pub extended_names: bool,
}

impl Default for NameRules {
    /// Quay's defaults: library support on with namespace `library`, nested names on.
    fn default() -> Self {
        Self {
            library_support: true,
            library_namespace: "library".to_owned(),
            extended_names: true,
        }
    }
}

/// A well-formed `<namespace>/<repository>`. Says nothing about whether it exists.
///
/// Kept as one string with the position of the first slash, so that parsing one from a request
/// path allocates once and the full form is free.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepositoryName {
    full: Box<str>,
    namespace_len: u8,
}

impl RepositoryName {
    /// Parses the name part of a URL path (percent-decoded) or of a token scope.
    pub fn parse(path: &str, rules: &NameRules) -> Result<Self, NameError> {
        match path.split_once('/') {
            Some((namespace, repository)) => {
                if !rules.extended_names && repository.contains('/') && is_repository(repository) {
                    return Err(NameError::NestedNotAllowed {
                        repository: excerpt(repository),
                    });
                }
                Self::new(namespace, repository)
            }
            None if rules.library_support && !path.is_empty() => {
                Self::new(&rules.library_namespace, path)
            }
            None => Err(NameError::NamespaceMissing {
                name: excerpt(path),
            }),
        }
    }

    /// Puts a name together from its two parts, e.g. from database rows; nested names are allowed.
    pub fn new(namespace: &str, repository: &str) -> Result<Self, NameError> {
        let namespace_len = u8::try_from(namespace.len())
            .ok()
            .filter(|_| NamespaceName::is_addressable(namespace))
            .ok_or_else(|| NameError::Namespace {
                namespace: excerpt(namespace),
            })?;
        if !is_repository(repository) {
            return Err(NameError::Repository {
                repository: excerpt(repository),
            });
        }
        let mut full = String::with_capacity(namespace.len() + 1 + repository.len());
        full.push_str(namespace);
        full.push('/');
        full.push_str(repository);
        Ok(Self {
            full: full.into_boxed_str(),
            namespace_len,
        })
    }

    /// The first segment: a user or organization.
    pub fn namespace(&self) -> &str {
        &self.full[..usize::from(self.namespace_len)]
    }

    /// Everything after the first slash; may contain slashes.
    pub fn repository(&self) -> &str {
        &self.full[usize::from(self.namespace_len) + 1..]
    }

    /// `<namespace>/<repository>`.
    pub fn as_str(&self) -> &str {
        &self.full
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.full)
    }
}

impl fmt::Debug for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RepositoryName({})", self.full)
    }
}

/// A name that a new user, organization or robot (its part after the `+`) may take.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NamespaceName(String);

impl NamespaceName {
    /// Applies the creation rule: 2 to 255 characters, `^([a-z0-9]+(?:[._-][a-z0-9]+)*)$`.
    pub fn validate_new(name: &str) -> Result<Self, NameError> {
        let in_length = (2..=MAX_NAME_LEN).contains(&name.len());
        let in_form = name.split(['.', '_', '-']).all(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        });
        if in_length && in_form {
            Ok(Self(name.to_owned()))
        } else {
            Err(NameError::NewNamespace {
                name: excerpt(name),
            })
        }
    }

    /// Whether `name` may appear as the namespace of a request: `[a-z0-9._-]{1,255}`, not `.` or `..`.
    pub fn is_addressable(name: &str) -> bool {
        (1..=MAX_NAME_LEN).contains(&name.len())
            && name.bytes().all(is_name_byte)
            && !matches!(name, "." | "..")
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NamespaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<NamespaceName> for String {
    fn from(name: NamespaceName) -> Self {
        name.0
    }
}

const fn is_name_byte(b: u8) -> bool {
    matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-')
}

/// `^(?=.{0,255}$)[a-z0-9][\.a-z0-9_-]*(?:\/[a-z0-9][\.a-z0-9_-]*)*$`
fn is_repository(name: &str) -> bool {
    name.len() <= MAX_NAME_LEN
        && name.split('/').all(|segment| {
            let bytes = segment.as_bytes();
            bytes
                .first()
                .is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
                && bytes.iter().copied().all(is_name_byte)
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parse(path: &str) -> Result<RepositoryName, NameError> {
        RepositoryName::parse(path, &NameRules::default())
    }

    #[test]
    fn the_first_segment_is_the_namespace_and_the_rest_the_repository() {
        let name = parse("acme/a/b.c/d_e--f").unwrap();
        assert_eq!(name.namespace(), "acme");
        assert_eq!(name.repository(), "a/b.c/d_e--f");
        assert_eq!(name.to_string(), "acme/a/b.c/d_e--f");
        assert_eq!(name, RepositoryName::new("acme", "a/b.c/d_e--f").unwrap());
    }

    #[test]
    fn a_name_without_slash_belongs_to_the_library_if_there_is_one() {
        assert_eq!(parse("busybox").unwrap().as_str(), "library/busybox");
        let rules = NameRules {
            library_support: false,
            ..NameRules::default()
        };
        let error = RepositoryName::parse("busybox", &rules).unwrap_err();
        assert!(matches!(error, NameError::NamespaceMissing { .. }));
        assert!(
            error
                .to_string()
                .contains("a namespace must be specified explicitly")
        );
    }

    #[test]
    fn nested_names_can_be_switched_off() {
        let rules = NameRules {
            extended_names: false,
            ..NameRules::default()
        };
        assert!(RepositoryName::parse("acme/a", &rules).is_ok());
        assert!(matches!(
            RepositoryName::parse("acme/a/b", &rules),
            Err(NameError::NestedNotAllowed { .. })
        ));
    }

    #[test]
    fn paths_that_could_escape_or_alias_are_refused() {
        for path in [
            "",
            "/",
            "acme/",
            "/acme",
            "acme//a",
            "acme/a/",
            "acme/..",
            "acme/../b",
            "../b",
            "./b",
            "acme/.hidden",
            "acme/-a",
            "acme/_a",
            "acme/A",
            "Acme/a",
            "acme/a b",
            "acme/ä",
            "acme/a%2f",
            "acme/a\\b",
            "acme/a\0",
            "acme/a:b",
            "acme+robot/a",
            "acme/a@b",
        ] {
            assert!(parse(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn both_parts_may_have_255_characters_and_no_more() {
        let long = "a".repeat(255);
        let name = parse(&format!("{long}/{long}")).unwrap();
        assert_eq!((name.namespace(), name.repository()), (&*long, &*long));
        assert!(matches!(
            parse(&format!("{long}a/{long}")),
            Err(NameError::Namespace { .. })
        ));
        assert!(matches!(
            parse(&format!("{long}/{long}a")),
            Err(NameError::Repository { .. })
        ));
    }

    #[test]
    fn a_namespace_that_older_releases_stored_can_be_addressed_but_not_created() {
        for name in ["a", "-a", "a--b", "a_.b", "a."] {
            assert!(NamespaceName::is_addressable(name), "{name}");
            assert!(NamespaceName::validate_new(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_new_namespace_has_single_separators_between_letters_and_digits() {
        for name in ["ab", "a1.b-c_d", "0x", &"a".repeat(255)] {
            assert_eq!(NamespaceName::validate_new(name).unwrap().as_str(), name);
        }
        for name in [
            "",
            "a",
            "Ab",
            "a b",
            "a+b",
            "ab.",
            ".ab",
            "a..b",
            "ä1",
            &"a".repeat(256),
        ] {
            assert!(NamespaceName::validate_new(name).is_err(), "{name}");
        }
    }
}
