//! One row of an audit log, as pages and exports show it (api-v1.md §4 *logEntry*).

use std::sync::Arc;

use pierhead_db::encoding::json_text;
use pierhead_db::enums::{EnumTable, Enums};
use pierhead_db::queries::log_pages::LogRow;
use pierhead_jobs::log_export::ShowRow;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::avatar::{Avatar, Of};
use crate::config::ApiConfig;
use crate::dates;

/// A row of an audit log.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct LogEntry {
    /// What happened.
    kind: String,
    /// Details of that kind.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    /// The client's address.
    ip: Option<String>,
    /// RFC 2822.
    datetime: String,
    /// Who did it; missing for anonymous clients and accounts that are gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    performer: Option<Performer>,
    /// The namespace it happened in, in the log of the whole registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<Namespace>,
}

/// Who did something.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Performer {
    /// `user`.
    #[schema(value_type = String)]
    kind: &'static str,
    name: String,
    is_robot: bool,
    avatar: Avatar,
}

/// Where something happened.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Namespace {
    /// `user` or `org`.
    #[schema(value_type = String)]
    kind: &'static str,
    name: String,
    avatar: Avatar,
}

/// Shows rows as the API does, as JSON: for exports.
pub fn show_log_row(enums: Arc<Enums>, config: &ApiConfig) -> ShowRow {
    let gravatar = config.gravatar;
    Arc::new(move |row| serde_json::to_string(&LogEntry::new(row, &enums, gravatar, false)))
}

impl LogEntry {
    /// Shows a row; with its namespace in the log of the whole registry.
    pub(crate) fn new(row: LogRow, enums: &Enums, gravatar: bool, with_namespace: bool) -> Self {
        let kind = enums
            .name(EnumTable::LogKind, row.kind)
            .unwrap_or("unknown");
        let avatar = |of, name: &str, email: Option<&str>| Avatar::new(of, name, email, gravatar);
        let performer = row.performer.map(|name| {
            let is_robot = row.performer_robot.unwrap_or_default();
            let of = if is_robot { Of::Robot } else { Of::User };
            Performer {
                kind: "user",
                avatar: avatar(of, &name, row.performer_email.as_deref()),
                name,
                is_robot,
            }
        });
        let namespace = row.account.filter(|_| with_namespace).map(|name| {
            let (kind, of) = match (row.account_organization, row.account_robot) {
                (Some(true), _) => ("org", Of::Org),
                (_, Some(true)) => ("user", Of::Robot),
                _ => ("user", Of::User),
            };
            Namespace {
                kind,
                avatar: avatar(of, &name, row.account_email.as_deref()),
                name,
            }
        });
        Self {
            kind: kind.to_owned(),
            // A row that was damaged by hand must not hide those beside it.
            metadata: json_text::read(Some(&row.metadata_json)).unwrap_or_default(),
            ip: row.ip,
            datetime: dates::rfc2822(row.datetime),
            performer,
            namespace,
        }
    }
}
