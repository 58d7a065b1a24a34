//! The rows of enumeration tables that rules depend on, as types. Tables whose names are only passed on (kinds of log
//! rows, media types) are looked up by text instead.

use super::EnumTable;

/// A name that an enumeration table of every Quay database has.
pub trait Named: Copy + PartialEq + std::fmt::Debug + 'static {
    /// Its table.
    const TABLE: EnumTable;
    /// All variants in order.
    const ALL: &'static [Self];

    /// The name in the table.
    fn name(self) -> &'static str;

    /// Its place in [`Named::ALL`].
    fn number(self) -> usize;

    /// The variant with this name.
    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.name() == name)
    }
}

macro_rules! names {
    ($(#[$doc:meta])* $kind:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $kind {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $kind {
            /// The names in the order of the variants.
            pub(super) const NAMES: &'static [&'static str] = &[$($name),*];
        }

        impl Named for $kind {
            const TABLE: EnumTable = EnumTable::$kind;
            const ALL: &'static [Self] = &[$(Self::$variant),*];

            fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            fn number(self) -> usize {
                self as usize
            }
        }
    };
}

names! {
    /// What an access token was made for.
    AccessTokenKind {
        /// A build.
        BuildWorker = "build-worker",
        /// A person or program that pushes and pulls.
        PushPull = "pushpull-token",
    }
}

names! {
    /// Where a label comes from.
    LabelSource {
        /// The manifest itself; cannot be changed.
        Manifest = "manifest",
        /// The management API.
        Api = "api",
        /// The registry itself; cannot be changed.
        Internal = "internal",
    }
}

names! {
    /// Where an external identity comes from. Configured providers add rows of their own beside these.
    LoginService {
        /// GitHub.
        GitHub = "github",
        /// Not external: links a robot to itself.
        QuayRobot = "quayrobot",
        /// LDAP.
        Ldap = "ldap",
        /// Google.
        Google = "google",
        /// Keystone.
        Keystone = "keystone",
        /// Dex.
        Dex = "dex",
        /// External JWT authentication.
        JwtAuthn = "jwtauthn",
        /// `OpenID` Connect.
        Oidc = "oidc",
    }
}

names! {
    /// What reaching a quota's limit does.
    QuotaType {
        /// Tells.
        Warning = "Warning",
        /// Refuses pushes.
        Reject = "Reject",
    }
}

names! {
    /// What a repository holds.
    RepositoryKind {
        /// Images and artifacts.
        Image = "image",
        /// Applications of the retired application registry.
        Application = "application",
    }
}

names! {
    /// What a user or team may do with a repository.
    Role {
        /// Everything.
        Admin = "admin",
        /// Pull and push.
        Write = "write",
        /// Pull.
        Read = "read",
    }
}

names! {
    /// The kind of a tag.
    TagKind {
        /// The only one.
        Tag = "tag",
    }
}

names! {
    /// What a team may do in its organization.
    TeamRole {
        /// Everything.
        Admin = "admin",
        /// Create repositories.
        Creator = "creator",
        /// Only what its repository permissions say.
        Member = "member",
    }
}

names! {
    /// Who sees a repository.
    Visibility {
        /// Everybody.
        Public = "public",
        /// Who has a permission.
        Private = "private",
    }
}
