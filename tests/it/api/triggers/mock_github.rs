//! A stand-in for GitHub.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use serde_json::{Value, json};

use super::{COMMIT, TAGGED};
use crate::api::mock_server::{Answer, MockServer, Reply, Request, numbered_page, without_comment};

pub(super) const TOKEN: &str = "gho_16C7e42F292c6912E7710c838347Ae178B4a";
pub(super) const CODE: &str = "a-code-of-github";
pub(super) const CLIENT: &str = "Iv1.8a61f9b3a7aba766";
pub(super) const SECRET: &str = "the-secret-of-the-client";
/// What the commits of the repository are called.
pub(super) const MESSAGE: &str = "Fix all the bugs";

/// GitHub Enterprise Server as far as its documentation describes what is used (<https://docs.github.com/rest>): user `octo`
/// with the repositories `octo/ledger`, `octo/empty` and `tide/charts`.
pub(super) struct MockGitHub {
    pub(super) server: MockServer,
    pub(super) state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(super) struct State {
    /// Deploy keys by their ids.
    pub(super) keys: Vec<(u64, Value)>,
    pub(super) hooks: Vec<(u64, Value)>,
    /// No further webhook is taken.
    pub(super) full: bool,
    /// Nothing may be added.
    pub(super) archived: bool,
    /// Webhooks are added, and nobody is told so.
    pub(super) silent: bool,
    /// Webhooks are added, and nobody is told which.
    pub(super) nameless: bool,
    /// Tokens do not count any more.
    pub(super) revoked: bool,
    /// Nobody answers.
    pub(super) gone: bool,
    /// `Dockerfile` of the default branch.
    pub(super) dockerfile: String,
}

impl MockGitHub {
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
            match request.path.strip_prefix("/api/v3") {
                Some(path) => api(&mut state, request, path),
                None if request.line() == "POST /login/oauth/access_token" => access_token(request),
                None => Err("no such address".to_owned()),
            }
        });
        Self { server, state }
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    pub(super) fn config(&self) -> Value {
        json!({
            "FEATURE_GITHUB_BUILD": true,
            "REGISTRY_TITLE": "Tide Registry",
            "GITHUB_TRIGGER_CONFIG": {
                "GITHUB_ENDPOINT": self.server.base(), "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET,
            },
        })
    }
}

/// Codes are exchanged with everything in the body; the answer is JSON if that is asked for, and always 200.
fn access_token(request: &Request) -> Answer {
    let form = request.form()?;
    let given = |name: &str| form.get(name).map_or("", String::as_str);
    if (given("client_id"), given("client_secret")) != (CLIENT, SECRET) {
        return Err("incorrect_client_credentials".to_owned());
    }
    // It must be below the callback URL that is registered.
    if !given("redirect_uri").ends_with("/oauth2/github/callback") {
        return Err("redirect_uri_mismatch".to_owned());
    }
    if request.header("accept") != "application/json" {
        return Err("the answer would be a form".to_owned());
    }
    Ok(Reply::json(
        200,
        &if given("code") == CODE {
            json!({ "access_token": TOKEN, "scope": "repo,user:email", "token_type": "bearer" })
        } else {
            json!({ "error": "bad_verification_code", "error_description": "The code passed is incorrect or expired." })
        },
    ))
}

fn api(state: &mut State, request: &Request, path: &str) -> Answer {
    if request.header("user-agent").is_empty() {
        return Err("403: requests must have a User-Agent".to_owned());
    }
    if request.header("accept") != "application/vnd.github+json" {
        return Err("the media type is not the documented one".to_owned());
    }
    if request.header("authorization") != format!("token {TOKEN}") {
        return Err("401: whose token is that?".to_owned());
    }
    if state.revoked {
        return Ok(Reply::json(401, &json!({ "message": "Bad credentials" })));
    }
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let missing = || Ok(Reply::json(404, &json!({ "message": "Not Found" })));
    let list = |items: Value| numbered_page(request, items);
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["user"]) => Ok(Reply::json(
            200,
            &json!({
                "login": "octo", "name": "Mona Octocat", "avatar_url": "https://avatar/octo",
                "html_url": "https://github/octo", "plan": { "private_repos": 20 },
            }),
        )),
        ("GET", ["user", "orgs"]) => {
            list(json!([{ "login": "tide", "avatar_url": "https://avatar/tide" }]))
        }
        ("GET", ["user", "repos"]) => {
            if !request.query.starts_with("type=owner&sort=updated&") {
                return Err("other repositories than the own ones".to_owned());
            }
            list(json!([
                { "name": "ledger", "full_name": "octo/ledger", "description": "Books", "pushed_at": "2011-01-26T19:06:43Z",
                  "html_url": "https://github/octo/ledger", "private": true },
                { "name": "empty", "full_name": "octo/empty", "description": null, "pushed_at": null,
                  "html_url": "https://github/octo/empty", "private": false },
            ]))
        }
        ("GET", ["orgs", "tide", "repos"]) => {
            let charts = json!({
                "name": "charts", "full_name": "tide/charts", "html_url": "https://github/tide/charts", "private": false,
            });
            list(json!([charts]))
        }
        ("GET", ["users", "octo"]) => Ok(Reply::json(
            200,
            &json!({
                "login": "octo", "html_url": "https://github/octo", "avatar_url": "https://avatar/octo",
            }),
        )),
        (_, ["repos", "octo", "empty", rest @ ..]) => match rest {
            [] => Ok(Reply::json(
                200,
                &json!({ "default_branch": "main", "ssh_url": "git@github:octo/empty.git" }),
            )),
            ["branches"] => list(json!([])),
            ["branches", _] => Ok(Reply::json(404, &json!({ "message": "Branch not found" }))),
            _ => missing(),
        },
        (method, ["repos", "octo", "ledger", rest @ ..]) => {
            repository(state, request, method, rest)
        }
        _ => missing(),
    }
}

fn repository(state: &mut State, request: &Request, method: &str, rest: &[&str]) -> Answer {
    let commit = |sha: &str| json!({ "sha": sha });
    let refused = |message: &str| {
        Reply::json(
            422,
            &json!({ "message": "Validation Failed", "errors": [{ "message": message }] }),
        )
    };
    match (method, rest) {
        ("GET", []) => Ok(Reply::json(
            200,
            &json!({
                "name": "ledger", "default_branch": "main", "ssh_url": "git@github:octo/ledger.git",
                "html_url": "https://github/octo/ledger",
            }),
        )),
        ("GET", ["branches"]) => {
            let mut branches = vec![
                json!({ "name": "dev" }),
                json!({ "name": "main" }),
                json!({ "name": "feature/x" }),
            ];
            branches.extend((0..120).map(|number| json!({ "name": format!("old-{number}") })));
            numbered_page(request, branches.into())
        }
        ("GET", ["branches", "main" | "feature%2Fx"]) => {
            Ok(Reply::json(200, &json!({ "commit": commit(COMMIT) })))
        }
        ("GET", ["branches", _]) => Ok(Reply::json(404, &json!({ "message": "Branch not found" }))),
        ("GET", ["tags"]) => {
            numbered_page(request, json!([{ "name": "v1", "commit": commit(TAGGED) }]))
        }
        ("GET", ["git", "trees", COMMIT]) if request.query == "recursive=1" => Ok(Reply::json(
            200,
            &json!({ "tree": [
            { "path": "Dockerfile", "type": "blob" },
            { "path": "web/web.Dockerfile", "type": "blob" },
            { "path": "old/Dockerfile", "type": "tree" },
            { "path": "README.md", "type": "blob" },
        ] }),
        )),
        ("GET", ["contents", "web", "web.Dockerfile"]) => {
            let encoded = base64::engine::general_purpose::STANDARD.encode(&state.dockerfile);
            // GitHub breaks the lines of what it encodes.
            let (first, second) = encoded.split_at(encoded.len() / 2);
            Ok(Reply::json(
                200,
                &json!({ "type": "file", "encoding": "base64", "content": format!("{first}\n{second}\n") }),
            ))
        }
        ("GET", ["contents", "web"]) => Ok(Reply::json(200, &json!([{ "type": "file" }]))),
        ("GET", ["commits", hash @ (COMMIT | TAGGED)]) => {
            let mut reply = Reply::json(
                200,
                &json!({
                    "sha": hash, "html_url": format!("https://github/octo/ledger/commit/{hash}"),
                    "commit": { "message": MESSAGE, "committer": { "date": "2011-04-14T16:00:49Z" } },
                    "author": { "login": "octo", "html_url": "https://github/octo", "avatar_url": "https://avatar/octo" },
                    "committer": null,
                }),
            );
            reply
                .headers
                .push(("last-modified", "Thu, 14 Apr 2011 16:00:49 GMT".to_owned()));
            Ok(reply)
        }
        ("GET", ["keys"]) => {
            let keys = state.keys.iter();
            let keys =
                keys.map(|(id, key)| json!({ "id": id, "key": without_comment(&key["key"]) }));
            numbered_page(request, keys.collect())
        }
        ("GET", ["hooks"]) => {
            let hooks = state.hooks.iter();
            let hooks = hooks.map(|(id, hook)| json!({ "id": id, "config": hook["config"] }));
            numbered_page(request, hooks.collect())
        }
        ("POST", ["keys"]) if state.archived => Ok(Reply::json(
            403,
            &json!({ "message": "Repository was archived so is read-only." }),
        )),
        ("POST", ["keys"]) => {
            let key = request.json()?;
            let is_key = key["key"]
                .as_str()
                .is_some_and(|key| key.starts_with("ssh-rsa "));
            if !is_key || key["title"] != "Tide Registry Builder" || key["read_only"] != true {
                return Err(format!("no deploy key: {key}"));
            }
            let id = 100 + state.keys.len() as u64;
            state.keys.push((id, key.clone()));
            Ok(Reply::json(201, &json!({ "id": id, "key": key["key"] })))
        }
        ("POST", ["hooks"]) => {
            let hook = request.json()?;
            let expected = json!({ "name": "web", "active": true, "events": ["push"], "config": {
                "url": hook["config"]["url"], "content_type": "json",
            } });
            if hook != expected {
                return Err(format!("no webhook: {hook}"));
            }
            if state.full {
                return Ok(refused("The \"push\" event cannot have more than 20 hooks"));
            }
            state.hooks.push((7, hook));
            if state.silent {
                return Ok(Reply {
                    status: 0,
                    ..Reply::empty()
                });
            }
            if state.nameless {
                return Ok(Reply::json(201, &json!({ "type": "Repository" })));
            }
            Ok(Reply::json(
                201,
                &json!({ "id": 7, "type": "Repository", "active": true }),
            ))
        }
        ("DELETE", [kind @ ("keys" | "hooks"), id]) => {
            let kept = if *kind == "keys" {
                &mut state.keys
            } else {
                &mut state.hooks
            };
            let before = kept.len();
            kept.retain(|(known, _)| known.to_string() != *id);
            Ok(if kept.len() < before {
                Reply::empty()
            } else {
                Reply::json(404, &json!({ "message": "Not Found" }))
            })
        }
        _ => Ok(Reply::json(404, &json!({ "message": "Not Found" }))),
    }
}

/// A `push` event.
pub(super) fn push(branch: &str, message: &str) -> Value {
    json!({
        "ref": format!("refs/heads/{branch}"),
        "head_commit": {
            "id": COMMIT, "url": "https://github/octo/ledger/commit/1", "message": message,
            "timestamp": "2026-08-04T10:00:00Z",
            "author": { "name": "Mona", "email": "octo@github", "username": "octo" },
            "committer": { "name": "GitHub", "email": "noreply@github" },
        },
        "repository": {
            "name": "ledger", "owner": { "name": "octo", "login": "octo" }, "ssh_url": "git@github:octo/ledger.git",
        },
    })
}
