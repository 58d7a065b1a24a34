//! `label` and `manifestlabel`, as the management API reads and changes them.

use crate::conn::Conn;
use crate::error::Result;
use crate::ids::ManifestId;
use crate::statement::{execute, fetch_all, fetch_optional, statements};

/// A label of a manifest.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct LabelRow {
    /// `label.id`.
    pub id: i32,
    /// Its public id.
    pub uuid: String,
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
    /// `labelsourcetype.name`.
    pub source_type: String,
    /// Whether labels of that source may be deleted.
    pub mutable: bool,
    /// `mediatype.name`.
    pub media_type: String,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT l.id, l.uuid, l.key, l.value, s.name AS source_type, s.mutable, t.name AS media_type \
             FROM manifestlabel b JOIN label l ON l.id = b.label_id \
             JOIN labelsourcetype s ON s.id = l.source_type_id JOIN mediatype t ON t.id = l.media_type_id \
             WHERE b.manifest_id = $1 ",
            $rest
        )
    };
}

statements! {
    /// `$1` manifest, `$2` a `LIKE` pattern of the key in lower case, or null.
    LIST = select!("AND (CAST($2 AS TEXT) IS NULL OR LOWER(l.key) LIKE $2 ESCAPE '!') ORDER BY l.id");
    FIND = select!("AND l.uuid = $2");
    UNBIND = "DELETE FROM manifestlabel WHERE label_id = $1";
    DELETE = "DELETE FROM label WHERE id = $1";
}

/// Labels of a manifest in the order they were made. `like` is a pattern of the key in lower case; `!` escapes.
pub async fn list(
    conn: &mut Conn,
    manifest: ManifestId,
    like: Option<&str>,
) -> Result<Vec<LabelRow>> {
    fetch_all!(conn, LIST, manifest, like)
}

/// The label with that public id, if it is the manifest's.
pub async fn find(conn: &mut Conn, manifest: ManifestId, uuid: &str) -> Result<Option<LabelRow>> {
    fetch_optional!(conn, FIND, manifest, uuid)
}

/// Takes a label off every manifest, which is one.
pub async fn unbind(conn: &mut Conn, label: i32) -> Result<u64> {
    execute!(conn, UNBIND, label)
}

/// Deletes a label that no manifest has.
pub async fn delete(conn: &mut Conn, label: i32) -> Result<u64> {
    execute!(conn, DELETE, label)
}
