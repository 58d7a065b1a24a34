//! A stand-in for GitLab.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{COMMIT, TAGGED};
use crate::api::mock_server::{Answer, MockServer, Reply, Request, numbered_page, pairs};

pub(super) const TOKEN: &str = "e3cdd22b4cf7dbbb9cc4cd8d27d5a7c3d1c2b2f6a8b0a9e7c5d3f1b9a7e5c3d1";
pub(super) const CODE: &str = "a-code-of-gitlab";
pub(super) const CLIENT: &str = "the-client";
pub(super) const SECRET: &str = "gloas-the-secret-of-the-client";
pub(super) const MESSAGE: &str = "Fix all the bugs";
/// Projects are named by their encoded path.
pub(super) const PROJECT: &str = "/api/v4/projects/tide%2Fledger";

/// GitLab as far as its documentation describes what is used (<https://docs.gitlab.com/api/rest/>): the person `anna` in the
/// group `tide` with the project `tide/ledger`.
pub(super) struct MockGitLab {
    pub(super) server: MockServer,
    pub(super) state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) keys: Vec<(u64, Value)>,
    pub(super) hooks: Vec<(u64, Value)>,
    /// Webhooks may not be added.
    pub(super) guarded: bool,
    /// Webhooks are added, and nobody is told which.
    pub(super) nameless: bool,
    pub(super) revoked: bool,
    pub(super) gone: bool,
    pub(super) branchless: bool,
}

impl MockGitLab {
    pub(super) fn start() -> Self {
        let state = Arc::<Mutex<State>>::default();
        let shared = state.clone();
        let server = MockServer::start(move |request| {
            let mut state = shared.lock().unwrap();
            if state.gone {
                return Ok(Reply {
                    status: 0,
                    ..Reply::empty()
                });
            }
            if request.line() == "POST /oauth/token" {
                return token(request);
            }
            api(&mut state, request)
        });
        Self { server, state }
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }
}

fn token(request: &Request) -> Answer {
    let form = request.form()?;
    let given = |name: &str| form.get(name).map_or("", String::as_str);
    if given("grant_type") != "authorization_code" {
        return Err("unsupported_grant_type".to_owned());
    }
    if (given("client_id"), given("client_secret")) != (CLIENT, SECRET) {
        return Err("invalid_client".to_owned());
    }
    // It must be the one of the authorization request.
    if !given("redirect_uri").ends_with("/oauth2/gitlab/callback/trigger") {
        return Err("invalid_grant: another redirect_uri".to_owned());
    }
    Ok(if given("code") == CODE {
        Reply::json(
            200,
            &json!({
                "access_token": TOKEN, "token_type": "bearer", "expires_in": 7200, "refresh_token": "r", "created_at": 1,
            }),
        )
    } else {
        Reply::json(
            400,
            &json!({ "error": "invalid_grant", "error_description": "The provided grant is invalid." }),
        )
    })
}

fn api(state: &mut State, request: &Request) -> Answer {
    if request.header("authorization") != format!("Bearer {TOKEN}") {
        return Err("401: whose token is that?".to_owned());
    }
    if state.revoked {
        return Ok(Reply::json(401, &json!({ "message": "401 Unauthorized" })));
    }
    let missing = || Ok(Reply::json(404, &json!({ "message": "404 Not Found" })));
    if let Some(rest) = request.path.strip_prefix(PROJECT) {
        let segments: Vec<&str> = rest.split('/').skip(1).collect();
        return project(state, request, &segments);
    }
    let anna = || json!({ "id": 5, "username": "anna", "web_url": "https://gitlab/anna", "avatar_url": null });
    match request.line().split(['?', '&']).next().unwrap_or_default() {
        "GET /api/v4/user" => Ok(Reply::json(200, &anna())),
        "GET /api/v4/users" => {
            let found = match search(request)?.as_str() {
                "anna@example.com" => json!([anna()]),
                "anna" => json!([anna(), anna()]),
                _ => json!([]),
            };
            Ok(Reply::json(200, &found))
        }
        "GET /api/v4/namespaces" => numbered_page(
            request,
            json!([
                { "id": 11, "name": "anna", "kind": "user", "path": "anna", "web_url": "https://gitlab/anna" },
                { "id": 12, "name": "Tide", "kind": "group", "path": "tide", "avatar_url": "https://avatar/tide" },
            ]),
        ),
        "GET /api/v4/namespaces/11" => Ok(Reply::json(200, &json!({ "id": 11, "kind": "user" }))),
        "GET /api/v4/namespaces/12" => Ok(Reply::json(200, &json!({ "id": 12, "kind": "group" }))),
        "GET /api/v4/users/5/projects" => numbered_page(
            request,
            json!([{
                "path": "notes", "path_with_namespace": "anna/notes", "visibility": "public", "web_url": "https://gitlab/anna/notes",
            }]),
        ),
        "GET /api/v4/groups/12/projects" => numbered_page(
            request,
            json!([
                { "path": "ledger", "path_with_namespace": "tide/ledger", "description": "Books", "visibility": "private",
                  "web_url": "https://gitlab/tide/ledger", "last_activity_at": "2013-09-30T13:46:02.000Z",
                  "permissions": { "project_access": { "access_level": 10 }, "group_access": { "access_level": 40 } } },
                { "path": "charts", "path_with_namespace": "tide/charts", "description": null, "visibility": "internal",
                  "web_url": "https://gitlab/tide/charts",
                  "permissions": { "project_access": { "access_level": 30 }, "group_access": { "access_level": 20 } } },
                { "path": "docs", "path_with_namespace": "tide/docs", "visibility": "public",
                  "web_url": "https://gitlab/tide/docs",
                  "permissions": { "project_access": null, "group_access": { "access_level": 10 } } },
            ]),
        ),
        _ => missing(),
    }
}

fn search(request: &Request) -> Result<String, String> {
    let found = pairs(&request.query).find(|(key, _)| key == "search");
    found
        .map(|(_, value)| value)
        .ok_or_else(|| "everybody".to_owned())
}

fn project(state: &mut State, request: &Request, rest: &[&str]) -> Answer {
    let missing = || Ok(Reply::json(404, &json!({ "message": "404 Not Found" })));
    match (request.method.as_str(), rest) {
        ("GET", []) => Ok(Reply::json(
            200,
            &json!({
                "id": 4, "default_branch": "main", "ssh_url_to_repo": "git@gitlab:tide/ledger.git",
                "web_url": "https://gitlab/tide/ledger",
            }),
        )),
        ("GET", ["repository", "branches"]) if state.branchless => {
            numbered_page(request, json!([]))
        }
        ("GET", ["repository", "branches"]) => {
            let mut branches = vec![json!({ "name": "dev" }), json!({ "name": "main" })];
            branches.extend((0..120).map(|number| json!({ "name": format!("old-{number}") })));
            numbered_page(request, branches.into())
        }
        ("GET", ["repository", "branches", "main" | "feature%2Fx"]) => {
            Ok(Reply::json(200, &json!({ "commit": { "id": COMMIT } })))
        }
        ("GET", ["repository", "tags"]) => numbered_page(request, json!([{ "name": "v1" }])),
        ("GET", ["repository", "tags", "v1"]) => {
            Ok(Reply::json(200, &json!({ "commit": { "id": TAGGED } })))
        }
        ("GET", ["repository", "tree"]) if request.query.starts_with("ref=main&") => numbered_page(
            request,
            json!([
                { "name": "Dockerfile", "type": "blob", "path": "Dockerfile" },
                { "name": "old.Dockerfile", "type": "tree", "path": "old.Dockerfile" },
                { "name": "web.Dockerfile", "type": "blob", "path": "web.Dockerfile" },
            ]),
        ),
        ("GET", ["repository", "files", "web%2FDockerfile"]) if request.query == "ref=main" => {
            Ok(Reply::json(
                200,
                &json!({ "encoding": "base64", "content": "RlJPTSBhbHBpbmUK" }),
            ))
        }
        ("GET", ["repository", "commits", hash @ (COMMIT | TAGGED)]) => Ok(Reply::json(
            200,
            &json!({
                "id": hash, "message": MESSAGE, "committed_date": "2012-09-20T09:06:12+03:00", "web_url": "https://gitlab/c",
                "author_email": "anna@example.com", "committer_email": "anna",
            }),
        )),
        ("GET", ["repository", "tree"]) if request.query.starts_with("ref=old-0&") => {
            numbered_page(request, json!([]))
        }
        ("GET", ["hooks"]) => {
            let hooks = state.hooks.iter();
            let hooks = hooks.map(|(id, hook)| json!({ "id": id, "url": hook["url"] }));
            numbered_page(request, hooks.collect())
        }
        ("POST", ["deploy_keys"]) => {
            let key = request.json()?;
            let is_key = key["key"]
                .as_str()
                .is_some_and(|key| key.starts_with("ssh-rsa "));
            if !is_key
                || key["title"] != "Tide Registry Builder"
                || key.as_object().unwrap().len() != 2
            {
                return Err(format!("no deploy key: {key}"));
            }
            state.keys.push((21, key));
            Ok(Reply::json(201, &json!({ "id": 21, "can_push": false })))
        }
        ("POST", ["hooks"]) => {
            let hook = request.json()?;
            if hook != json!({ "url": hook["url"], "push_events": true, "tag_push_events": true }) {
                return Err(format!("no webhook: {hook}"));
            }
            if state.guarded {
                return Ok(Reply::json(403, &json!({ "message": "403 Forbidden" })));
            }
            state.hooks.push((22, hook));
            if state.nameless {
                return Ok(Reply::json(201, &json!({ "push_events": true })));
            }
            Ok(Reply::json(201, &json!({ "id": 22, "push_events": true })))
        }
        ("DELETE", [kind @ ("deploy_keys" | "hooks"), id]) => {
            let kept = if *kind == "hooks" {
                &mut state.hooks
            } else {
                &mut state.keys
            };
            let before = kept.len();
            kept.retain(|(known, _)| known.to_string() != *id);
            if kept.len() < before {
                Ok(Reply::empty())
            } else {
                missing()
            }
        }
        _ => missing(),
    }
}

/// A push event.
pub(super) fn push(branch: &str, message: &str) -> Value {
    json!({
        "object_kind": "push", "ref": format!("refs/heads/{branch}"), "checkout_sha": COMMIT, "project_id": 4,
        "project": { "default_branch": "trunk" },
        "repository": { "name": "ledger", "git_ssh_url": "git@gitlab:tide/ledger.git" },
        "commits": [
            { "id": TAGGED, "message": "Before", "timestamp": "2026-08-03T10:00:00Z" },
            { "id": COMMIT, "message": message, "timestamp": "2026-08-04T10:00:00Z", "url": "https://gitlab/c",
              "author": { "name": "Anna", "email": "anna@example.com" } },
        ],
    })
}
