//! Robots of people (`/api/v1/user/robots`) and of organizations (`/api/v1/organization/{orgname}/robots`): api-v1.md §5.6.
//!
//! Both forms do the same for a namespace, which `namespace` has once; the files of the forms say who may call, and for
//! whom. The namespace in the path of the second form may be a person's: people administer their own, and superusers with
//! full access may list, delete and federate anybody's robots, as in Quay.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::extract::{body, query};
use crate::route::Routes;

mod namespace;
mod organization;
mod user;
mod view;

/// The routes of robots.
pub(crate) fn routes() -> Routes {
    organization::routes().merge(user::routes())
}

/// What to list.
#[derive(Debug, Deserialize)]
struct Listing {
    #[serde(default, deserialize_with = "query::flag")]
    permissions: bool,
    #[serde(default = "query::on", deserialize_with = "query::flag")]
    token: bool,
    limit: Option<u32>,
}

/// What may be said of a new robot.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct CreateRobot {
    /// For people, at most 255 characters.
    #[serde(default, deserialize_with = "body::present")]
    #[schema(nullable = false, max_length = 255)]
    description: Option<String>,
    /// For automation.
    #[serde(default, deserialize_with = "body::present")]
    #[schema(nullable = false, value_type = Option<Object>)]
    unstructured_metadata: Option<Map<String, Value>>,
}

/// Who may act as a robot.
#[derive(Debug, Deserialize, ToSchema)]
struct RobotFederation {
    /// The issuer's URL.
    issuer: String,
    /// The subject in its tokens.
    subject: String,
}
