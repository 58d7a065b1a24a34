//! Names and passwords at other registries, as encrypted columns. They go in, and only the name comes out again.

use pierhead_db::encoding::EncodingError;
use pierhead_db::encoding::field::{EncryptedColumn, FieldCipher};

use crate::error::{Error, Result};

/// What Quay shows in place of a name that does not decrypt.
const UNREADABLE: &str = "(invalid. please re-enter)";

/// Encrypts a value for its column. An empty one is none.
///
/// # Errors
/// 400 when it does not fit.
pub(crate) fn seal(
    cipher: &FieldCipher,
    column: EncryptedColumn,
    value: Option<&str>,
) -> Result<Option<String>> {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    match cipher.encrypt(column, value) {
        Ok(sealed) => Ok(Some(sealed)),
        Err(EncodingError::TooLong { .. } | EncodingError::Damaged { .. }) => Err(
            Error::invalid_request("The name or password at the external registry is too long"),
        ),
        Err(error) => Err(error.into()),
    }
}

/// The name in a column, to be shown.
pub(crate) fn shown(
    cipher: &FieldCipher,
    column: EncryptedColumn,
    stored: Option<&str>,
) -> Option<String> {
    let stored = stored?;
    Some(match cipher.decrypt(column, stored) {
        Ok(name) => name.expose().to_owned(),
        Err(error) => {
            tracing::warn!(%error, "a name at an external registry cannot be read");
            UNREADABLE.to_owned()
        }
    })
}
