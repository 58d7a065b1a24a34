//! `SSL_CIPHERS` and `SSL_CIPHERSUITES`: names of OpenSSL for the suites that are spoken.
//!
//! Quay hands the list to nginx, whose TLS library is OpenSSL (openssl-ciphers(1)): names and groups joined by `:`, `+` inside a
//! term for what is in both groups, `!` and `-` in front to take away. Pierhead's TLS library has the six suites of TLS 1.2
//! that are still considered strong and the three of TLS 1.3; whatever else is named is left out, which is worth a warning,
//! and a list that names none of them cannot be served.

use std::collections::BTreeSet;

use crate::sections::server::{Server, TlsVersion};
use crate::setting::OneOrMany;

macro_rules! suites {
    ($($(#[$doc:meta])* $suite:ident $name:literal $version:ident [$($group:literal)*];)*) => {
        /// A cipher suite that can be spoken.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum CipherSuite { $($(#[$doc])* $suite,)* }

        impl CipherSuite {
            /// Every suite, the preferred ones first.
            pub const ALL: &[Self] = &[$(Self::$suite),*];

            /// OpenSSL's name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$suite => $name,)* }
            }

            /// The version of TLS that it belongs to.
            pub fn version(self) -> TlsVersion {
                match self { $(Self::$suite => TlsVersion::$version,)* }
            }

            /// Names of OpenSSL's groups that it is in.
            fn groups(self) -> &'static [&'static str] {
                match self { $(Self::$suite => &[$($group),*],)* }
            }
        }
    };
}

suites! {
    /// AES-256-GCM.
    Aes256 "TLS_AES_256_GCM_SHA384" Tls13 [];
    /// AES-128-GCM.
    Aes128 "TLS_AES_128_GCM_SHA256" Tls13 [];
    /// ChaCha20-Poly1305.
    ChaCha20 "TLS_CHACHA20_POLY1305_SHA256" Tls13 [];
    /// ECDSA, AES-256-GCM.
    EcdsaAes256 "ECDHE-ECDSA-AES256-GCM-SHA384" Tls12 ["aECDSA" "ECDSA" "AES" "AESGCM" "AES256" "FIPS"];
    /// ECDSA, AES-128-GCM.
    EcdsaAes128 "ECDHE-ECDSA-AES128-GCM-SHA256" Tls12 ["aECDSA" "ECDSA" "AES" "AESGCM" "AES128" "FIPS"];
    /// ECDSA, ChaCha20-Poly1305.
    EcdsaChaCha20 "ECDHE-ECDSA-CHACHA20-POLY1305" Tls12 ["aECDSA" "ECDSA" "CHACHA20"];
    /// RSA, AES-256-GCM.
    RsaAes256 "ECDHE-RSA-AES256-GCM-SHA384" Tls12 ["aRSA" "AES" "AESGCM" "AES256" "FIPS"];
    /// RSA, AES-128-GCM.
    RsaAes128 "ECDHE-RSA-AES128-GCM-SHA256" Tls12 ["aRSA" "AES" "AESGCM" "AES128" "FIPS"];
    /// RSA, ChaCha20-Poly1305.
    RsaChaCha20 "ECDHE-RSA-CHACHA20-POLY1305" Tls12 ["aRSA" "CHACHA20"];
}

/// Groups that every suite of TLS 1.2 is in.
const COMMON_GROUPS: &[&str] = &[
    "ALL", "DEFAULT", "HIGH", "TLSv1.2", "ECDHE", "EECDH", "kECDHE", "kEECDH",
];

impl CipherSuite {
    fn is_in(self, group: &str) -> bool {
        self.name() == group || self.groups().contains(&group) || COMMON_GROUPS.contains(&group)
    }

    fn of(version: TlsVersion) -> Vec<Self> {
        let all = Self::ALL.iter().copied();
        all.filter(|suite| suite.version() == version).collect()
    }
}

/// What a list of names comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    /// The suites, in the order of the list.
    pub(crate) suites: Vec<CipherSuite>,
    /// Terms that stand for no suite that could be spoken, as they are written.
    pub(crate) unsupported: Vec<String>,
}

impl Selection {
    /// Reads a list of names; an empty one stands for every suite of its version.
    pub(crate) fn of(list: &OneOrMany<String>, version: TlsVersion) -> Self {
        let all = CipherSuite::of(version);
        let mut terms = list
            .0
            .iter()
            .flat_map(|text| text.split([':', ',', ' ']))
            .filter(|term| !term.is_empty())
            .peekable();
        let mut selection = Self {
            suites: Vec::new(),
            unsupported: Vec::new(),
        };
        if terms.peek().is_none() {
            selection.suites = all;
            return selection;
        }
        let mut banned = BTreeSet::new();
        for term in terms {
            let (takes, names) = match term.split_at_checked(1) {
                // Orders of the list as a whole, and terms that only move suites to its end.
                Some(("@" | "+", _)) => continue,
                Some((sign @ ("!" | "-"), names)) => (Some(sign), names),
                _ => (None, term),
            };
            let meant: Vec<CipherSuite> = all
                .iter()
                .copied()
                .filter(|suite| names.split('+').all(|name| suite.is_in(name)))
                .collect();
            match takes {
                None if meant.is_empty() => selection.unsupported.push(term.to_owned()),
                None => selection.suites.extend(meant),
                Some(sign) => {
                    selection.suites.retain(|suite| !meant.contains(suite));
                    if sign == "!" {
                        banned.extend(meant);
                    }
                }
            }
        }
        let mut seen = banned;
        selection.suites.retain(|suite| seen.insert(*suite));
        selection
    }

    /// Names of every suite of a version, for messages.
    pub(crate) fn allowed(version: TlsVersion) -> String {
        let names = CipherSuite::of(version).into_iter().map(CipherSuite::name);
        names.collect::<Vec<_>>().join(", ")
    }
}

impl Server {
    /// The suites that may be spoken, in the order of preference: those of `SSL_CIPHERS` and `SSL_CIPHERSUITES`.
    pub fn cipher_suites(&self) -> Vec<CipherSuite> {
        [
            Selection::of(&self.ssl_ciphersuites, TlsVersion::Tls13),
            Selection::of(&self.ssl_ciphers, TlsVersion::Tls12),
        ]
        .into_iter()
        .flat_map(|selection| selection.suites)
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(list: &[&str]) -> (Vec<&'static str>, Vec<String>) {
        let list = OneOrMany(list.iter().map(|&text| text.to_owned()).collect());
        let selection = Selection::of(&list, TlsVersion::Tls12);
        let names = selection.suites.into_iter().map(CipherSuite::name);
        (names.collect(), selection.unsupported)
    }

    #[test]
    fn names_choose_suites_in_their_order_and_the_rest_is_left_out() {
        let (suites, unsupported) = select(&[
            "ECDHE-RSA-AES128-GCM-SHA256",
            "DHE-RSA-AES128-SHA",
            "ECDHE-ECDSA-AES256-GCM-SHA384",
            "ECDHE-RSA-AES128-GCM-SHA256",
            "!3DES",
        ]);
        assert_eq!(
            suites,
            [
                "ECDHE-RSA-AES128-GCM-SHA256",
                "ECDHE-ECDSA-AES256-GCM-SHA384"
            ]
        );
        assert_eq!(unsupported, ["DHE-RSA-AES128-SHA"]);
        assert_eq!(select(&["CAMELLIA:AES128-SHA"]).0, [""; 0]);
    }

    #[test]
    fn groups_are_joined_and_taken_away_as_in_openssl() {
        let aes256 = [
            "ECDHE-ECDSA-AES256-GCM-SHA384",
            "ECDHE-RSA-AES256-GCM-SHA384",
        ];
        assert_eq!(
            select(&["EECDH+AES256:!aNULL:@STRENGTH"]),
            (aes256.to_vec(), vec![])
        );
        assert_eq!(
            select(&["HIGH:!AES128:-CHACHA20"]),
            (aes256.to_vec(), vec![])
        );
        // What was banned does not come back, what was only taken away does.
        assert_eq!(select(&["!AES128:!CHACHA20:ALL"]).0, aes256);
        assert_eq!(select(&["ALL:-AES:AES256"]).0.len(), 4);
        assert_eq!(select(&["kEDH+AESGCM"]).1, ["kEDH+AESGCM"]);
        assert_eq!(select(&[]).0.len(), 6);
    }
}
