//! The identity providers that a robot trusts, in `federatedlogin.metadata_json` of its owner link.

use crate::statement::{fetch_optional, statements};
use crate::{Conn, Result, UserId};

statements! {
    OF_ROBOT = "SELECT metadata_json FROM federatedlogin WHERE user_id = $1 ORDER BY id LIMIT 1";
}

/// The JSON beside a robot's owner link, with `federation_config` if it trusts anybody.
pub async fn of_robot(conn: &mut Conn, robot: UserId) -> Result<Option<String>> {
    let row: Option<(String,)> = fetch_optional!(conn, OF_ROBOT, robot)?;
    Ok(row.map(|(metadata,)| metadata))
}
