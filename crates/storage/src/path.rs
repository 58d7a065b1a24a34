//! Names of objects inside a location, as Quay lays them out.

use std::fmt;

use pierhead_oci::digest::Digest;

/// The path of finished content, relative to the location's root.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContentPath(String);

impl ContentPath {
    /// `<algorithm>/<first two hex digits>/<hex>`: rows with `imagestorage.cas_path = true`.
    pub fn of_digest(digest: &Digest) -> Self {
        let hex = digest.hex();
        Self(format!(
            "{}/{}/{hex}",
            digest.algorithm().as_str(),
            &hex[..2]
        ))
    }

    /// `sharedimages/<imagestorage.uuid>/layer`: rows from the time of the v1 protocol, with `cas_path = false`.
    ///
    /// `None` if the id is not made of hexadecimal digits and dashes: it comes from the database and becomes a path.
    pub fn of_legacy_storage(uuid: &str) -> Option<Self> {
        is_plain_id(uuid).then(|| Self(format!("sharedimages/{uuid}/layer")))
    }

    /// `<folder>/<name>`: files that are no blobs, such as exported logs and build contexts.
    ///
    /// `None` if the name is not made of letters, digits and dashes (it comes from URLs), or if the folder, which comes from
    /// the configuration, leaves the location.
    pub fn in_folder(folder: &str, name: &str) -> Option<Self> {
        let plain = (1..=128).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let folder = folder.trim_matches('/');
        let inside = folder
            .split('/')
            .all(|part| !matches!(part, "." | "..") && !part.contains('\0'));
        (plain && inside).then(|| {
            if folder.is_empty() {
                Self(name.to_owned())
            } else {
                Self(format!("{folder}/{name}"))
            }
        })
    }

    /// The path as text, without a leading slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContentPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of an upload session, which is also the name of its file: a lower-case UUID.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UploadName(String);

impl UploadName {
    /// A new random name.
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().to_string())
    }

    /// A name from a URL or a row; `None` if it is anything but hexadecimal digits and dashes, as it becomes a path.
    pub fn parse(text: &str) -> Option<Self> {
        is_plain_id(text).then(|| Self(text.to_owned()))
    }

    /// The UUID.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `uploads/<uuid>`.
    pub fn path(&self) -> String {
        format!("uploads/{}", self.0)
    }
}

impl fmt::Display for UploadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_plain_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn content_lies_where_quay_puts_it() {
        let digest = Digest::SHA256_OF_NOTHING;
        assert_eq!(
            ContentPath::of_digest(&digest).as_str(),
            "sha256/e3/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            ContentPath::of_legacy_storage("0a-1b").unwrap().as_str(),
            "sharedimages/0a-1b/layer"
        );
    }

    #[test]
    fn a_file_lies_in_its_folder() {
        let path = |folder, name| ContentPath::in_folder(folder, name).map(|path| path.0);
        assert_eq!(path("userfiles/", "a-1"), Some("userfiles/a-1".to_owned()));
        assert_eq!(path("/a/b", "Ab"), Some("a/b/Ab".to_owned()));
        assert_eq!(path("", "a"), Some("a".to_owned()));
        assert_eq!(path("../a", "b"), None);
        assert_eq!(path("a/../b", "b"), None);
    }

    #[test]
    fn a_name_that_could_leave_its_folder_is_refused() {
        for name in ["..", "a/b", "", "a.b", "a\0", "a b"] {
            assert_eq!(ContentPath::in_folder("files", name), None, "{name:?}");
        }
        for name in ["..", "a/b", "", "../../etc/passwd", "a.b", "a\0"] {
            assert_eq!(UploadName::parse(name), None, "{name:?}");
            assert_eq!(ContentPath::of_legacy_storage(name), None, "{name:?}");
        }
    }
}
