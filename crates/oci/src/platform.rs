//! The platform of an index entry.

/// For which machine a child of an index is meant.
///
/// Only the fields that select a child are kept; `features` and `os.features` are not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Platform {
    /// As in `GOARCH`. Some clients write an empty string for artifacts.
    pub architecture: String,
    /// As in `GOOS`. Some clients write an empty string for artifacts.
    pub os: String,
    /// Variant of the architecture, e.g. `v8`.
    pub variant: Option<String>,
    /// `os.version`.
    pub os_version: Option<String>,
}

impl Platform {
    /// Whether this is `os/architecture`, whatever the variant.
    pub fn is(&self, os: &str, architecture: &str) -> bool {
        self.os == os && self.architecture == architecture
    }
}
