//! `/api/v1/superuser`: administering the installation (api-v1.md §5.22).

use crate::route::Routes;

mod installation;

pub(crate) fn routes() -> Routes {
    installation::routes()
}

/// `FEATURE_SUPER_USERS`.
fn enabled(config: &pierhead_config::Config) -> bool {
    config.users.feature_super_users
}
