//! The management API. Only Pierhead has one, so these rows show what a call costs.

use super::{Case, Found, few, ordinary};
use crate::error::Error;
use crate::figures::Figures;
use crate::load::client::Client;
use crate::load::measure::measure;
use crate::load::message::{Body, Request};
use crate::peers::Access;
use crate::peers::access::ApiAccess;
use crate::plan::{Plan, count_label};
use crate::subject::Subject;

/// Sign-ins in one measure, at least: each hashes a password.
const SIGN_INS: u64 = 5;

/// A call with a token, lists, and a sign-in.
pub(super) fn cases(plan: &Plan) -> Vec<Case> {
    let mut cases = vec![Case::new(
        "api/user",
        "API: the own account, with an OAuth token",
        |plan, subject| get(plan, subject, "/api/v1/user/"),
    )];
    for count in plan.tag_counts.iter().copied() {
        let label = count_label(count);
        cases.push(Case::new(
            format!("api/tags/{label}"),
            format!("API: a page of 50 tags, {label} tag(s) in the repository"),
            move |plan, subject| {
                let tagged = subject.tagged(plan, count)?;
                let path = format!("/api/v1/repository/{}/tag/?limit=50", tagged.repository);
                get(plan, subject, &path)
            },
        ));
    }
    cases.push(Case::new(
        "api/repositories",
        "API: the repositories of a namespace",
        |plan, subject| get(plan, subject, "/api/v1/repository?namespace=bench"),
    ));
    cases.push(Case::new(
        "api/sign-in",
        "API: sign-in with a password (1 client)",
        sign_in,
    ));
    cases
}

fn api_of(subject: &Subject) -> Option<&ApiAccess> {
    match &subject.access {
        Access::Token(access) => access.api.as_ref(),
        Access::Open => None,
    }
}

fn get(plan: &Plan, subject: &Subject, path: &str) -> Found {
    let Some(api) = api_of(subject) else {
        return Ok(None);
    };
    let address = subject.address();
    let authorization = Some(format!("Bearer {}", api.token));
    let measured = measure(
        ordinary(plan),
        &subject.meter(),
        || Client::open(address, authorization.clone()),
        |client, _| client.get(path, Body::Discard).map(|_| ()),
    )?;
    Ok(Some(Figures::from(measured)))
}

fn sign_in(plan: &Plan, subject: &Subject) -> Found {
    let Some(api) = api_of(subject) else {
        return Ok(None);
    };
    let address = subject.address();
    let measured = measure(
        few(plan, SIGN_INS),
        &subject.meter(),
        || Client::open(address, None),
        |client, _| sign_in_once(client, &api.sign_in),
    )?;
    Ok(Some(Figures::from(measured)))
}

/// Asks for a CSRF token and signs in with it, as a browser does.
fn sign_in_once(client: &mut Client, body: &str) -> Result<(), Error> {
    let answer = client.get("/csrf_token", Body::Keep)?;
    let token: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let csrf = token["csrf_token"].as_str().unwrap_or_default();
    let cookie = answer.cookie.unwrap_or_default();
    let request = Request {
        content_type: Some("application/json"),
        session: Some((&cookie, csrf)),
        body: &[body.as_bytes()],
        ..Request::new("POST", "/api/v1/signin")
    };
    client.expect(200, request, Body::Discard).map(|_| ())
}
