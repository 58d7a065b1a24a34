//! `GET /v2/`, the request that every client begins with.

use super::{Case, ordinary};
use crate::load::client::Client;
use crate::load::measure::measure;
use crate::load::message::Body;

/// `GET /v2/` with a token where one is asked for.
pub(super) fn case() -> Case {
    Case::new("ping", "GET /v2/ with token", |plan, subject| {
        let address = subject.address();
        let authorization = subject.access.authorization(address, None)?;
        let measured = measure(
            ordinary(plan),
            &subject.meter(),
            || Client::open(address, authorization.clone()),
            |client, _| client.get("/v2/", Body::Discard).map(|_| ()),
        )?;
        Ok(Some(measured.into()))
    })
}
