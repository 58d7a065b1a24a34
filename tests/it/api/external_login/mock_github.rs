//! A stand-in for GitHub, as people sign in with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use pierhead_testkit::Pierhead;
use serde_json::{Value, json};

use super::{back, parameter};
use crate::api::mock_server::{Answer, MockServer, Reply, Request, numbered_page};

pub(super) const TOKEN: &str = "gho_16C7e42F292c6912E7710c838347Ae178B4a";
pub(super) const CLIENT: &str = "Iv1.8a61f9b3a7aba766";
pub(super) const SECRET: &str = "the-secret-of-the-login-client";

/// GitHub Enterprise Server as far as its documentation describes what is used (<https://docs.github.com/rest>).
pub(super) struct MockGitHub {
    pub(super) server: MockServer,
    state: Arc<Mutex<State>>,
}

pub(super) struct State {
    /// Who agrees.
    pub(super) user: Value,
    pub(super) emails: Value,
    pub(super) organizations: Value,
    /// Where browsers were sent with which code.
    codes: HashMap<String, String>,
    given: usize,
    /// The path that answers with this status.
    pub(super) broken: Option<(&'static str, u16)>,
    /// Nobody answers.
    pub(super) gone: bool,
}

impl MockGitHub {
    pub(super) fn start() -> Self {
        let state = Arc::new(Mutex::new(State {
            user: json!({ "id": 583_231, "login": "Octo-Cat", "name": "Mona" }),
            emails: json!([
                { "email": "work@example.com", "primary": false, "verified": true },
                { "email": "octo@example.com", "primary": true, "verified": true },
            ]),
            organizations: json!([]),
            codes: HashMap::new(),
            given: 0,
            broken: None,
            gone: false,
        }));
        let shared = state.clone();
        let server = MockServer::start(move |request| {
            let mut state = shared.lock().unwrap();
            if state.gone {
                return Ok(Reply {
                    status: 0,
                    ..Reply::empty()
                });
            }
            if let Some((path, status)) = state.broken
                && request.path == path
            {
                return Ok(Reply::json(status, &json!({ "message": "Server Error" })));
            }
            match request.path.strip_prefix("/api/v3") {
                Some(path) => api(&state, request, path),
                None if request.line() == "POST /login/oauth/access_token" => {
                    access_token(&mut state, request)
                }
                None => Err("no such address".to_owned()),
            }
        });
        Self { server, state }
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    /// Who agrees.
    pub(super) fn person(&self) -> Value {
        self.state.lock().unwrap().user.clone()
    }

    /// Another person agrees from now on, who has one verified address.
    pub(super) fn becomes(&self, id: u64, login: &str) {
        self.change(|state| {
            state.user = json!({ "id": id, "login": login });
            let email = format!("{}@example.com", login.to_lowercase());
            state.emails = json!([{ "email": email, "primary": true, "verified": true }]);
        });
    }

    /// The person agrees: where the browser is sent back to.
    pub(super) fn agree(&self, server: &Pierhead, address: &str) -> String {
        let page = format!("{}/login/oauth/authorize?", self.server.base());
        assert!(address.starts_with(&page), "{address}");
        assert_eq!(parameter(address, "client_id"), CLIENT);
        let mut state = self.state.lock().unwrap();
        state.given += 1;
        let code = format!("code-{}-of-github", state.given);
        state
            .codes
            .insert(code.clone(), parameter(address, "redirect_uri"));
        back(server, address, &format!("code={code}"))
    }

    pub(super) fn config(&self) -> Value {
        json!({
            "FEATURE_GITHUB_LOGIN": true,
            "GITHUB_LOGIN_CONFIG": {
                "GITHUB_ENDPOINT": self.server.base(), "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET,
            },
        })
    }
}

/// Codes are exchanged once, with everything in the body; the answer is JSON if that is asked for, and always 200.
fn access_token(state: &mut State, request: &Request) -> Answer {
    let form = request.form()?;
    let given = |name: &str| form.get(name).map_or("", String::as_str);
    if (given("client_id"), given("client_secret")) != (CLIENT, SECRET) {
        return Err("incorrect_client_credentials".to_owned());
    }
    if request.header("accept") != "application/json" {
        return Err("the answer would be a form".to_owned());
    }
    let Some(sent_to) = state.codes.remove(given("code")) else {
        let text = "The code passed is incorrect or expired.";
        return Ok(Reply::json(
            200,
            &json!({ "error": "bad_verification_code", "error_description": text }),
        ));
    };
    if given("redirect_uri") != sent_to {
        return Err("redirect_uri_mismatch".to_owned());
    }
    Ok(Reply::json(
        200,
        &json!({ "access_token": TOKEN, "scope": "user:email", "token_type": "bearer" }),
    ))
}

fn api(state: &State, request: &Request, path: &str) -> Answer {
    if request.header("user-agent").is_empty() {
        return Err("403: requests must have a User-Agent".to_owned());
    }
    if request.header("accept") != "application/vnd.github+json" {
        return Err("the media type is not the documented one".to_owned());
    }
    if request.header("authorization") != format!("Bearer {TOKEN}") {
        return Err("401: whose token is that?".to_owned());
    }
    match (&*request.method, path) {
        ("GET", "/user") => Ok(Reply::json(200, &state.user)),
        ("GET", "/user/emails") => numbered_page(request, state.emails.clone()),
        ("GET", "/user/orgs") => numbered_page(request, state.organizations.clone()),
        _ => Err("no such call".to_owned()),
    }
}
