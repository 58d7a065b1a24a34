//! How many rows the exported gauges count.

use crate::conn::Conn;
use crate::error::Result;
use crate::statement::{fetch_one, statements};

/// Rows by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct RowCounts {
    /// Repositories.
    pub repositories: i64,
    /// People.
    pub users: i64,
    /// Organizations.
    pub organizations: i64,
    /// Robot accounts.
    pub robots: i64,
}

/// How many manifests there are, and how many a scanner has looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ScanCounts {
    /// Manifests.
    pub manifests: i64,
    /// Manifests with a scan status.
    pub looked_at: i64,
}

statements! {
    /// Reads whole tables: for an hourly worker, never for a request.
    COUNT = "SELECT (SELECT COUNT(*) FROM repository) AS repositories, \
        (SELECT COUNT(*) FROM \"user\" WHERE organization = false AND robot = false) AS users, \
        (SELECT COUNT(*) FROM \"user\" WHERE organization = true) AS organizations, \
        (SELECT COUNT(*) FROM \"user\" WHERE robot = true) AS robots";
    /// Reads whole tables: seldom.
    COUNT_SCANS = "SELECT (SELECT COUNT(*) FROM manifest) AS manifests, \
        (SELECT COUNT(*) FROM manifestsecuritystatus) AS looked_at";
}

/// Counts rows.
pub async fn count(conn: &mut Conn) -> Result<RowCounts> {
    fetch_one!(conn, COUNT)
}

/// Counts what a scanner has looked at. Reads whole tables.
pub async fn count_scans(conn: &mut Conn) -> Result<ScanCounts> {
    fetch_one!(conn, COUNT_SCANS)
}
