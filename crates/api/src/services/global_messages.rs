//! The banners that superusers show to everybody.

use pierhead_db::queries::messages::{self, Message};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::state::Api;

/// Most banners that are shown. Quay shows all; nobody has this many.
const MOST: i64 = 1000;
/// Longest banner in bytes.
const LONGEST: usize = 64 * 1024;

/// The banners, oldest first.
pub(crate) async fn list(api: &Api) -> Result<Vec<Message>> {
    let mut conn = api.db().read().await?;
    Ok(messages::list(&mut conn, MOST).await?)
}

/// Shows a banner of a media type that the database knows.
pub(crate) async fn create(
    api: &Api,
    content: String,
    media_type: &str,
    severity: &'static str,
) -> Result<()> {
    if content.len() > LONGEST {
        let text = format!("A message has at most {LONGEST} bytes");
        return Err(Error::invalid_request(text));
    }
    let media_type = api
        .enums()
        .media_type(media_type)
        .ok_or_else(|| Error::invalid_request(format!("Unknown media type {media_type}")))?;
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                let uuid = Uuid::new_v4().to_string();
                messages::insert(conn, &uuid, &content, media_type, severity).await?;
                Ok::<_, Error>(())
            })
        })
        .await
}

/// Removes a banner. It is not an error if there is none.
pub(crate) async fn delete(api: &Api, uuid: String) -> Result<()> {
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                messages::delete(conn, &uuid).await?;
                Ok::<_, Error>(())
            })
        })
        .await
}
