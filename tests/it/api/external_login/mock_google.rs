//! A stand-in for Google.

use std::sync::{Arc, Mutex};

use pierhead_testkit::Pierhead;
use serde_json::{Value, json};

use super::{back, parameter};
use crate::api::mock_server::{MockServer, Reply};

pub(super) const TOKEN: &str = "ya29.a0AfH6SMBx-token";
pub(super) const CLIENT: &str = "1234-abc.apps.googleusercontent.com";
pub(super) const SECRET: &str = "the-secret-of-the-google-client";
const CODE: &str = "4/0AY0e-g7-code";

/// Google as far as its documentation describes what is used
/// (<https://developers.google.com/identity/protocols/oauth2/web-server>).
pub(super) struct MockGoogle {
    pub(super) server: MockServer,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    user: Value,
    sent_to: String,
}

impl MockGoogle {
    pub(super) fn start() -> Self {
        let state = Arc::<Mutex<State>>::default();
        let shared = state.clone();
        let server = MockServer::start(move |request| {
            let state = shared.lock().unwrap();
            match request.line().as_str() {
                "POST /o/oauth2/token" => {
                    let form = request.form()?;
                    let given = |name: &str| form.get(name).map_or("", String::as_str);
                    if (given("client_id"), given("client_secret")) != (CLIENT, SECRET) {
                        return Err("invalid_client".to_owned());
                    }
                    if given("grant_type") != "authorization_code" {
                        return Err("unsupported_grant_type".to_owned());
                    }
                    if given("code") != CODE {
                        let body =
                            json!({ "error": "invalid_grant", "error_description": "Bad Request" });
                        return Ok(Reply::json(400, &body));
                    }
                    if given("redirect_uri") != state.sent_to {
                        return Err("redirect_uri_mismatch".to_owned());
                    }
                    let body = json!({ "access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer" });
                    Ok(Reply::json(200, &body))
                }
                "GET /oauth2/v1/userinfo?alt=json" => {
                    if request.header("authorization") != format!("Bearer {TOKEN}") {
                        return Err("401: whose token is that?".to_owned());
                    }
                    Ok(Reply::json(200, &state.user))
                }
                _ => Err("no such address".to_owned()),
            }
        });
        Self { server, state }
    }

    /// This person agrees from now on.
    pub(super) fn becomes(&self, user: Value) {
        self.state.lock().unwrap().user = user;
    }

    /// The person agrees: where the browser is sent back to.
    pub(super) fn agree(&self, server: &Pierhead, address: &str) -> String {
        let page = format!("{}/o/oauth2/auth?response_type=code&", self.server.base());
        assert!(address.starts_with(&page), "{address}");
        self.state.lock().unwrap().sent_to = parameter(address, "redirect_uri");
        back(server, address, &format!("code={CODE}&scope=email+openid"))
    }

    pub(super) fn config(&self) -> Value {
        json!({
            "FEATURE_GOOGLE_LOGIN": true,
            "GOOGLE_LOGIN_CONFIG": {
                "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET,
                "GOOGLE_ENDPOINT": self.server.base(), "API_ENDPOINT": self.server.base(),
            },
        })
    }
}
