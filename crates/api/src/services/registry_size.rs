//! How much the registry stores, as a worker calculates it when it is asked to.

use pierhead_db::queries::registry_size::{self, RegistrySize};

use crate::error::Result;
use crate::state::Api;

/// What was calculated last; `None` if that was never asked for.
pub(crate) async fn last(api: &Api) -> Result<Option<RegistrySize>> {
    Ok(registry_size::last(&mut api.db().read().await?).await?)
}

/// Asks for a calculation; `false` if one was asked for or runs already.
pub(crate) async fn queue(api: &Api) -> Result<bool> {
    let queued = api
        .accounts()
        .write(|conn| {
            Box::pin(async move {
                match registry_size::last(conn).await? {
                    None => registry_size::insert_queued(conn).await,
                    Some(size) if size.queued || size.running => Ok(0),
                    Some(_) => registry_size::queue(conn).await,
                }
            })
        })
        .await?;
    Ok(queued > 0)
}
