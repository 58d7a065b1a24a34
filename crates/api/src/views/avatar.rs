//! Avatars: what a client draws one from. Names are hashed, so that the same one looks the same everywhere.

use md5::Md5;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::hex;

/// Whose avatar it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    User,
    Robot,
    Org,
    Team,
    App,
}

impl Of {
    const fn kind(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Robot => "robot",
            Self::Org => "org",
            Self::Team => "team",
            Self::App => "app",
        }
    }
}

/// What a client draws an avatar from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Avatar {
    /// The name.
    name: String,
    /// Of the e-mail address, or of the name.
    hash: String,
    /// `#rrggbb`.
    #[schema(value_type = String)]
    color: &'static str,
    /// `user`, `robot`, `org`, `team` or `app`.
    #[schema(value_type = String)]
    kind: &'static str,
}

/// Quay's colors; the first byte of the hash chooses one.
const COLORS: [&str; 32] = [
    "#969696", "#aec7e8", "#ff7f0e", "#ffbb78", "#2ca02c", "#98df8a", "#d62728", "#ff9896",
    "#9467bd", "#c5b0d5", "#8c564b", "#c49c94", "#e377c2", "#f7b6d2", "#7f7f7f", "#c7c7c7",
    "#bcbd22", "#1f77b4", "#17becf", "#9edae5", "#393b79", "#5254a3", "#6b6ecf", "#9c9ede",
    "#9ecae1", "#31a354", "#b5cf6b", "#a1d99b", "#8c6d31", "#ad494a", "#e7ba52", "#a55194",
];

impl Avatar {
    /// The avatar of a name, made from `identity` (an e-mail address) if there is one: with `SHA-256`, or with MD5 if
    /// gravatar.com (`AVATAR_KIND`) is to know the address.
    pub(crate) fn new(of: Of, name: &str, identity: Option<&str>, gravatar: bool) -> Self {
        let identity = identity
            .filter(|identity| !identity.is_empty())
            .unwrap_or(name)
            .trim()
            .to_lowercase();
        let digest = if gravatar {
            Md5::digest(identity).to_vec()
        } else {
            Sha256::digest(identity).to_vec()
        };
        let first = digest.first().copied().unwrap_or_default();
        Self {
            name: name.to_owned(),
            color: COLORS[usize::from(first) % COLORS.len()],
            hash: hex::encode(&digest),
            kind: of.kind(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_avatar_is_the_one_that_quay_draws() {
        let avatar = Avatar::new(Of::Org, "harbor-ops", Some("ops@tide.example"), false);
        let hash = "55a138ab4499f197b13ccaaf513588adf2df1c0a6ab1ad3e13e38d87f70c91c5";
        assert_eq!((avatar.hash.as_str(), avatar.color), (hash, "#5254a3"));
        let team = Avatar::new(Of::Team, "owners", None, false);
        assert_eq!((team.color, team.kind), ("#c7c7c7", "team"));
    }

    #[test]
    fn gravatar_gets_the_hash_it_knows() {
        let avatar = Avatar::new(Of::User, "x", Some(" MyEmailAddress@example.com "), true);
        assert_eq!(avatar.hash, "0bc83cb571cd1c50ba6f3e8a78ef1346");
    }
}
