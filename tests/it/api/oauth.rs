//! OAuth applications, their tokens, and the OAuth provider.

use pierhead_testkit::{ApiClient, Client, Credentials, Engine, Image, Response, Result};
use reqwest::Method;
use serde_json::{Value, json};

use super::installation::{Installation, json_of};

mod applications;
mod browsers;
mod grants;

const APPLICATIONS: &str = "/api/v1/organization/openshift/applications";
const CALLBACK: &str = "https://ci.example.com/callback";

fn config() -> Value {
    json!({
        "SUPER_USERS": ["devel"],
        "FEATURE_SUPERUSERS_FULL_ACCESS": true,
        "GLOBAL_READONLY_SUPER_USERS": ["rita"],
        "OAUTH_APPLICATION_MAXIMUM_TOKEN_COUNT": 60,
    })
}

/// An organization with an application.
async fn application(site: &Installation) -> Result<Value> {
    site.server.create_organization("openshift", &site.devel)?;
    let new = json!({ "name": "bridge", "redirect_uri": CALLBACK, "description": "Bridges" });
    site.post(APPLICATIONS, new, 200).await
}

/// A browser that signs in by user name and password.
struct Browser<'s> {
    api: ApiClient,
    who: &'s Credentials,
}

impl<'s> Browser<'s> {
    fn new(site: &'s Installation, who: &'s Credentials) -> Self {
        Self {
            api: site.server.anonymous(),
            who,
        }
    }

    async fn get(&self, path: &str) -> Result<Response> {
        let request = self.api.request(Method::GET, path);
        self.api
            .send(request.basic_auth(self.who.username(), Some(self.who.password())))
            .await
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<Response> {
        let request = self.api.request(Method::POST, path).form(form);
        self.api
            .send(request.basic_auth(self.who.username(), Some(self.who.password())))
            .await
    }
}

fn encoded(text: &str) -> String {
    text.replace(':', "%3A")
        .replace('/', "%2F")
        .replace(' ', "%20")
}

/// Where a browser is sent.
fn location(answer: Response) -> Result<String> {
    let answer = answer.expect(&[reqwest::StatusCode::FOUND])?;
    Ok(answer.header("location")?.to_owned())
}

use browsers::{
    assigned_tokens, declined_requests, failures_of_tokens_are_recorded, tokens_for_oneself,
};

use applications::{applications_of_an_organization, pages_of_tokens, tokens_of_an_application};
use grants::{code_grants, implicit_grants};

on_engines! {
    applications_of_an_organization
    tokens_of_an_application
    pages_of_tokens
    implicit_grants
    code_grants
    declined_requests
    assigned_tokens
    tokens_for_oneself
    failures_of_tokens_are_recorded
}
