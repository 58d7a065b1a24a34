//! Quotas of namespaces (api-v1.md §5.14, §5.22): `/organization/{orgname}/quota`, `/user/quota`, and the superuser forms.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::{Error, Result};
use crate::extract::body;
use crate::route::Routes;
use crate::services::quotas::{Form, size};

mod limits;
mod organization;
mod superuser;
mod user;

pub(crate) fn routes() -> Routes {
    organization::routes()
        .merge(limits::routes())
        .merge(user::routes())
        .merge(superuser::routes())
}

/// A new quota: one of both.
#[derive(Deserialize, ToSchema)]
struct NewQuota {
    /// Bytes.
    #[serde(default, deserialize_with = "body::present")]
    limit_bytes: Option<i64>,
    /// A number with a unit, such as `10 GiB`.
    #[serde(default, deserialize_with = "body::present")]
    limit: Option<String>,
}

impl NewQuota {
    fn bytes(&self, form: Form) -> Result<i64> {
        match (self.limit_bytes, &self.limit) {
            (Some(bytes), None) => Ok(bytes),
            (None, Some(text)) => size::parse(text, form),
            _ => Err(Error::invalid_request(
                "Give either limit_bytes or limit, and not both",
            )),
        }
    }
}

/// A change of a quota: one of both, or none for no change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeQuota {
    /// Bytes.
    #[serde(default, deserialize_with = "body::present")]
    limit_bytes: Option<i64>,
    /// A number with a unit, such as `10 GiB`.
    #[serde(default, deserialize_with = "body::present")]
    limit: Option<String>,
}

impl ChangeQuota {
    fn bytes(&self, form: Form) -> Result<Option<i64>> {
        match (self.limit_bytes, &self.limit) {
            (None, None) => Ok(None),
            (Some(bytes), None) => Ok(Some(bytes)),
            (None, Some(text)) => size::parse(text, form).map(Some),
            (Some(_), Some(_)) => Err(Error::invalid_request(
                "Give either limit_bytes or limit, and not both",
            )),
        }
    }
}
