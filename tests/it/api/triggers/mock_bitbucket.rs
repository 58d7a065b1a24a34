//! A stand-in for Bitbucket.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha1::Sha1;

use super::{COMMIT, TAGGED};
use crate::api::mock_server::{Answer, MockServer, Reply, Request, pairs, without_comment};

pub(super) const KEY: &str = "the-key-of-the-consumer";
pub(super) const SECRET: &str = "the secret & of the consumer";
pub(super) const REQUEST: (&str, &str) = ("a-request-token", "its-secret-nobody-logs");
pub(super) const ACCESS: (&str, &str) = ("an-access-token", "the-secret-of-access");
pub(super) const VERIFIER: &str = "0123456789";
pub(super) const MESSAGE: &str = "Fix all the bugs";

/// Bitbucket as far as its documentation describes what is used (<https://developer.atlassian.com/cloud/bitbucket/rest/>), with
/// the signatures of RFC 5849: user `anna` in the workspaces `anna` and `tide`, with the repository `tide/ledger`.
pub(super) struct MockBitbucket {
    pub(super) server: MockServer,
    pub(super) state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) base: String,
    pub(super) nonces: HashSet<String>,
    pub(super) keys: Vec<(u64, Value)>,
    pub(super) hooks: Vec<(String, Value)>,
    /// Webhooks may not be added.
    pub(super) guarded: bool,
    /// Keys are added, and an error is told.
    pub(super) confused: bool,
    /// No token is given now.
    pub(super) busy: bool,
    /// The verifier was used.
    pub(super) used: bool,
    pub(super) gone: bool,
}

impl MockBitbucket {
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
            match request.line().as_str() {
                "POST /api/1.0/oauth/request_token" => request_token(&mut state, request),
                "POST /api/1.0/oauth/access_token" => access_token(&mut state, request),
                _ => {
                    signed(&mut state, request, Some(ACCESS))?;
                    api(&mut state, request)
                }
            }
        });
        server.base().clone_into(&mut state.lock().unwrap().base);
        Self { server, state }
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }
}

/// RFC 3986's unreserved characters stand for themselves.
fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// Checks the signature of a request (RFC 5849 §3.4); gives the parameters of the protocol.
fn signed(
    state: &mut State,
    request: &Request,
    pair: Option<(&str, &str)>,
) -> Result<BTreeMap<String, String>, String> {
    let header = request.header("authorization");
    let listed = header.strip_prefix("OAuth ").ok_or("401: not signed")?;
    let mut given = BTreeMap::new();
    for parameter in listed.split(", ") {
        let (name, value) = parameter.split_once('=').ok_or("no parameter")?;
        let value = value.trim_matches('"');
        let (_, value) = pairs(&format!("v={value}")).next().ok_or("no value")?;
        given.insert(name.to_owned(), value);
    }
    let signature = given.remove("oauth_signature").ok_or("no signature")?;
    let is = |name: &str| given.get(name).map_or("", String::as_str).to_owned();
    if is("oauth_consumer_key") != KEY || is("oauth_signature_method") != "HMAC-SHA1" {
        return Err("401: who is that?".to_owned());
    }
    if is("oauth_token") != pair.map_or("", |(token, _)| token) {
        return Err("401: whose token is that?".to_owned());
    }
    if is("oauth_timestamp").parse::<u64>().is_err() || is("oauth_version") != "1.0" {
        return Err("400: no timestamp, or another version".to_owned());
    }
    if !state.nonces.insert(is("oauth_nonce")) {
        return Err("401: the nonce was used before".to_owned());
    }
    let mut all: Vec<(String, String)> = given
        .iter()
        .map(|(name, value)| (encode(name), encode(value)))
        .chain(pairs(&request.query).map(|(name, value)| (encode(&name), encode(&value))))
        .collect();
    all.sort();
    let all: Vec<String> = all
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let text = format!(
        "{}&{}&{}",
        request.method,
        encode(&format!("{}{}", state.base, request.path)),
        encode(&all.join("&"))
    );
    let secret = pair.map_or("", |(_, secret)| secret);
    let key = format!("{}&{}", encode(SECRET), encode(secret));
    let mut mac =
        Hmac::<Sha1>::new_from_slice(key.as_bytes()).map_err(|error| error.to_string())?;
    mac.update(text.as_bytes());
    if STANDARD.encode(mac.finalize().into_bytes()) != signature {
        return Err(format!("401: the signature is not that of {text}"));
    }
    Ok(given)
}

fn form(text: &str) -> Reply {
    Reply::text(200, "application/x-www-form-urlencoded", text)
}

fn request_token(state: &mut State, request: &Request) -> Answer {
    let given = signed(state, request, None)?;
    let callback = given.get("oauth_callback").ok_or("no callback")?;
    if !callback.contains("/oauth1/bitbucket/callback/trigger/") {
        return Err(format!("no callback of a trigger: {callback}"));
    }
    Ok(form(&format!(
        "oauth_token={}&oauth_token_secret={}&oauth_callback_confirmed=true",
        REQUEST.0, REQUEST.1
    )))
}

fn access_token(state: &mut State, request: &Request) -> Answer {
    let given = signed(state, request, Some(REQUEST))?;
    if state.busy {
        return Ok(Reply::text(429, "text/plain", "Rate limit exceeded"));
    }
    if state.used || given.get("oauth_verifier").map(String::as_str) != Some(VERIFIER) {
        return Ok(Reply::text(401, "text/plain", "Invalid or expired token"));
    }
    Ok(form(&format!(
        "oauth_token={}&oauth_token_secret={}",
        ACCESS.0, ACCESS.1
    )))
}

/// Lists have pages of `pagelen` items, at most 100, and the address of the next one.
fn page(state: &State, request: &Request, items: &[Value]) -> Answer {
    let number = |name: &str| {
        pairs(&request.query)
            .find(|(key, _)| key == name)
            .and_then(|(_, value)| value.parse::<usize>().ok())
    };
    let size = number("pagelen").filter(|size| (1..=100).contains(size));
    let (size, page) = (
        size.ok_or("pages have at most 100 items")?,
        number("page").unwrap_or(1),
    );
    let part: Vec<Value> = items
        .iter()
        .skip((page - 1) * size)
        .take(size)
        .cloned()
        .collect();
    let mut body = json!({ "pagelen": size, "page": page, "values": part });
    if page * size < items.len() {
        let others: Vec<String> = pairs(&request.query)
            .filter(|(key, _)| key != "page")
            .map(|(key, value)| format!("{}={}&", encode(&key), encode(&value)))
            .collect();
        let (others, page) = (others.concat(), page + 1);
        let next = format!("{}{}?{others}page={page}", state.base, request.path);
        body["next"] = json!(next);
    }
    Ok(Reply::json(200, &body))
}

fn missing() -> Reply {
    Reply::json(
        404,
        &json!({ "type": "error", "error": { "message": "Repository not found" } }),
    )
}

fn api(state: &mut State, request: &Request) -> Answer {
    let path = request
        .path
        .strip_prefix("/2.0")
        .ok_or("no such version")?
        .to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let repository = |slug: &str, private: bool| {
        json!({
            "full_name": format!("tide/{slug}"), "description": "Books", "is_private": private,
            "updated_on": "2015-08-07T08:59:00.000000+00:00",
        })
    };
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["user"]) => Ok(Reply::json(
            200,
            &json!({ "account_id": "557058:1", "nickname": "anna" }),
        )),
        ("GET", ["user", "workspaces"]) => page(
            state,
            request,
            &[
                json!({ "administrator": true, "workspace": { "slug": "anna", "name": "Anna's" } }),
                json!({ "workspace": { "slug": "tide", "links": { "avatar": { "href": "https://avatar/tide" } } } }),
            ],
        ),
        ("GET", ["repositories", "tide"]) => {
            let role = pairs(&request.query)
                .find(|(key, _)| key == "role")
                .map(|(_, value)| value);
            match role.as_deref() {
                Some("member") => page(
                    state,
                    request,
                    &[repository("ledger", true), repository("charts", false)],
                ),
                Some("admin") => page(state, request, &[repository("ledger", true)]),
                _ => Err("role is admin, contributor, member or owner".to_owned()),
            }
        }
        (method, ["repositories", "tide", "ledger", rest @ ..]) => {
            ledger(state, request, method, rest)
        }
        _ => Ok(missing()),
    }
}

fn ledger(state: &mut State, request: &Request, method: &str, rest: &[&str]) -> Answer {
    let target = |hash: &str| Ok(Reply::json(200, &json!({ "target": { "hash": hash } })));
    match (method, rest) {
        ("GET", []) => Ok(Reply::json(
            200,
            &json!({ "full_name": "tide/ledger", "mainbranch": { "name": "main" } }),
        )),
        ("GET", ["refs", "branches"]) => {
            let mut branches = vec![json!({ "name": "main" }), json!({ "name": "dev" })];
            branches.extend((0..120).map(|number| json!({ "name": format!("old-{number}") })));
            page(state, request, &branches)
        }
        ("GET", ["refs", "branches", "main"] | ["refs", "branches", "feature", "x"]) => {
            target(COMMIT)
        }
        ("GET", ["refs", "tags"]) => page(state, request, &[json!({ "name": "v1" })]),
        ("GET", ["refs", "tags", "v1"]) => target(TAGGED),
        ("GET", ["src", COMMIT, ""]) => page(
            state,
            request,
            &[
                json!({ "path": "Dockerfile", "type": "commit_file" }),
                json!({ "path": "web.Dockerfile", "type": "commit_directory" }),
            ],
        ),
        ("GET", ["src", COMMIT, "web", "Dockerfile"]) => {
            Ok(Reply::text(200, "text/plain", "FROM alpine\n"))
        }
        ("GET", ["commit", hash @ (COMMIT | TAGGED)]) => Ok(Reply::json(
            200,
            &json!({
                "hash": hash, "message": MESSAGE, "date": "2018-08-15T23:50:59+00:00",
                "author": { "raw": "Anna <anna@example.com>", "user": {
                    "display_name": "Anna", "links": { "avatar": { "href": "https://avatar/anna" } },
                } },
            }),
        )),
        ("GET", ["deploy-keys"]) => {
            let keys = state.keys.iter();
            let keys =
                keys.map(|(id, key)| json!({ "id": id, "key": without_comment(&key["key"]) }));
            page(state, request, &keys.collect::<Vec<_>>())
        }
        ("POST", ["deploy-keys"]) => {
            let key = request.json()?;
            let is_key = key["key"]
                .as_str()
                .is_some_and(|key| key.starts_with("ssh-rsa "));
            if !is_key || key["label"] != "Tide Registry webhook key" {
                return Err(format!("no deploy key: {key}"));
            }
            state.keys.push((31, key));
            if state.confused {
                return Ok(Reply::text(502, "text/plain", "Bad gateway"));
            }
            Ok(Reply::json(200, &json!({ "id": 31, "type": "deploy_key" })))
        }
        ("POST", ["hooks"]) => {
            let hook = request.json()?;
            let expected = json!({
                "description": "Webhook for invoking builds on Tide", "url": hook["url"], "active": true,
                "events": ["repo:push"], "skip_cert_verification": false,
            });
            if hook != expected {
                return Err(format!("no webhook: {hook}"));
            }
            if state.guarded {
                return Ok(Reply::json(
                    403,
                    &json!({ "type": "error", "error": { "message": "No access" } }),
                ));
            }
            state.hooks.push(("%7B6c1f%7D".to_owned(), hook));
            Ok(Reply::json(201, &json!({ "uuid": "{6c1f}" })))
        }
        ("DELETE", ["deploy-keys", id]) => {
            state.keys.retain(|(known, _)| known.to_string() != *id);
            Ok(Reply::empty())
        }
        ("DELETE", ["hooks", id]) => {
            state.hooks.retain(|(known, _)| known != id);
            Ok(Reply::empty())
        }
        _ => Ok(missing()),
    }
}

/// A `repo:push` event.
pub(super) fn push(branch: &str, message: &str) -> Value {
    json!({
        "repository": { "full_name": "tide/ledger" },
        "actor": { "display_name": "Bo", "links": { "avatar": { "href": "https://avatar/bo" } } },
        "push": { "changes": [{ "old": null, "new": {
            "name": branch, "type": "branch",
            "target": {
                "hash": COMMIT, "message": message, "date": "2026-08-04T10:00:00+00:00",
                "links": { "html": { "href": "https://bitbucket/c" } },
                "author": { "user": { "display_name": "Anna", "links": { "avatar": { "href": "https://avatar/anna" } } } },
            },
        } }] },
    })
}
