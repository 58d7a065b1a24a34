//! `/api/v1/superuser`: administering the installation (api-v1.md §5.22).

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::extract::query;
use crate::route::Routes;
use crate::services::managed_accounts::Page;

mod app_tokens;
mod installation;
mod organizations;
mod people;

pub(crate) fn routes() -> Routes {
    organizations::routes()
        .merge(people::routes())
        .merge(app_tokens::routes())
        .merge(installation::routes())
}

/// Where the configuration comes from, as Quay calls it: a directory.
pub(super) const CONFIG_PROVIDER: &str = "file";

/// `FEATURE_SUPER_USERS`.
fn enabled(config: &pierhead_config::Config) -> bool {
    config.users.feature_super_users
}

/// Which page.
#[derive(Deserialize)]
struct Listing {
    limit: Option<i64>,
    next_page: Option<String>,
    #[serde(default = "query::on", deserialize_with = "query::flag")]
    disabled: bool,
}

impl Listing {
    /// The page; everything if no limit is given.
    fn page(&self) -> Result<Page<'_>> {
        let limit = match self.limit {
            None => None,
            Some(limit) if limit > 100 => {
                return Err(Error::invalid_request("Page limit cannot be above 100"));
            }
            Some(limit) => Some(u32::try_from(limit.max(1)).unwrap_or(1)),
        };
        Ok(Page {
            limit,
            token: self.next_page.as_deref(),
        })
    }
}
