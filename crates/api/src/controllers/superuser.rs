//! `/api/v1/superuser`: administering the installation (api-v1.md §5.22).

use crate::route::Routes;

mod accounts;
mod app_tokens;
mod installation;

pub(crate) fn routes() -> Routes {
    accounts::routes()
        .merge(app_tokens::routes())
        .merge(installation::routes())
}

/// Where the configuration comes from, as Quay calls it: a directory.
pub(super) const CONFIG_PROVIDER: &str = "file";

/// `FEATURE_SUPER_USERS`.
fn enabled(config: &pierhead_config::Config) -> bool {
    config.users.feature_super_users
}
