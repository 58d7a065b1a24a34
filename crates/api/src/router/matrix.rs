//! Which callers pass which guards: every route of the router is asked as everybody, with nothing behind the guard.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use pierhead_auth::AuthConfig;
use pierhead_auth::accounts::{
    Actor, Grantee, NewOrganization, NewRepository, NewUser, Role, TeamRole, Visibility,
};
use pierhead_config::Secret;
use pierhead_db::Error;
use pierhead_db::queries::oauth_applications::{self, NewApplication};
use pierhead_db::queries::oauth_tokens::{self, NewAccessToken};
use pierhead_db::queries::users;
use serde_json::json;
use tower::ServiceExt as _;

use super::serve;
use crate::controllers;
use crate::dates;
use crate::route::Route;
use crate::session::SessionConfig;
use crate::testing::{self, Fixture};

/// Everybody who asks with a web session, and what they are in the organization `acme` and its private repository `app`.
const PEOPLE: [&str; 11] = [
    "stranger",
    "reader",
    "writer",
    "administrator",
    "member",
    "creator",
    "owner",
    "superuser",
    "auditor",
    "restricted",
    "stale",
];
/// What an OAuth token of the organization's owner, who is no superuser, may be limited to; and one of a superuser.
const SCOPES: [(&str, &str); 11] = [
    ("owner", "repo:read"),
    ("owner", "repo:write"),
    ("owner", "repo:admin"),
    ("owner", "repo:create"),
    ("owner", "user:read"),
    ("owner", "user:admin"),
    ("owner", "org:admin"),
    ("owner", "super:user"),
    ("superuser", "super:user"),
    ("superuser", "user:admin"),
    ("auditor", "repo:read"),
];

struct Caller {
    name: String,
    headers: Vec<(&'static str, String)>,
}

struct Site {
    fixture: Fixture,
    probes: Router,
    callers: Vec<Caller>,
}

impl Site {
    async fn new(change: fn(&mut AuthConfig)) -> Self {
        let mut auth = AuthConfig::new("registry.example.com");
        auth.super_users.insert("superuser".to_owned());
        auth.global_readonly_super_users
            .insert("auditor".to_owned());
        auth.restricted_users = true;
        auth.restricted_users_whitelist = PEOPLE
            .into_iter()
            .filter(|name| *name != "restricted")
            .map(str::to_owned)
            .collect();
        change(&mut auth);
        let fixture = Fixture::of(auth).await;
        fill(&fixture).await;
        let mut routes = controllers::routes();
        routes.routes = routes.routes.into_iter().map(Route::probed).collect();
        let probes = serve(routes, fixture.api.clone());
        let callers = callers(&fixture).await;
        Self {
            fixture,
            probes,
            callers,
        }
    }

    async fn ask(&self, method: &Method, path: &str, caller: &Caller) -> StatusCode {
        let path = path
            .replace("{repository}", "acme/app")
            .replace("{orgname}", "acme");
        let mut request = Request::builder()
            .method(method.clone())
            .uri(concrete(&path));
        for (name, value) in &caller.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Body::empty()).unwrap();
        let answer = self.probes.clone().oneshot(request).await.unwrap();
        answer.status()
    }
}

/// A path with something for each parameter.
fn concrete(path: &str) -> String {
    path.split('/')
        .map(|segment| {
            if segment.starts_with('{') {
                "x"
            } else {
                segment
            }
        })
        .collect::<Vec<_>>()
        .join("/")
}

async fn fill(fixture: &Fixture) {
    let accounts = fixture.api.accounts();
    let operator = Actor::operator();
    for name in PEOPLE {
        let new = NewUser {
            username: name.to_owned(),
            password: Some(Secret::new("a-long-password")),
            email: None,
            verified: true,
        };
        accounts.create_user(&operator, new).await.unwrap();
    }
    let new = NewOrganization {
        name: "acme".to_owned(),
        email: None,
        owner: "owner".to_owned(),
    };
    accounts.create_organization(&operator, new).await.unwrap();
    for (team, role) in [("member", TeamRole::Member), ("creator", TeamRole::Creator)] {
        accounts
            .create_team(&operator, "acme", team, role, "")
            .await
            .unwrap();
        accounts
            .add_team_member(&operator, "acme", team, team)
            .await
            .unwrap();
    }
    let new = NewRepository {
        namespace: "acme".to_owned(),
        name: "app".to_owned(),
        visibility: Visibility::Private,
        description: None,
        creator: None,
        creator_role: Role::Admin,
    };
    accounts.create_repository(&operator, new).await.unwrap();
    for (name, role) in [
        ("reader", Role::Read),
        ("writer", Role::Write),
        ("administrator", Role::Admin),
    ] {
        accounts
            .set_permission(&operator, "acme", "app", Grantee::account(name), role)
            .await
            .unwrap();
    }
}

async fn callers(fixture: &Fixture) -> Vec<Caller> {
    let mut callers = vec![Caller {
        name: "anonymous".to_owned(),
        headers: session(&fixture.api.0.config.session, None, false),
    }];
    for name in PEOPLE {
        let uuid = uuid(fixture, name).await;
        callers.push(Caller {
            name: name.to_owned(),
            headers: session(&fixture.api.0.config.session, Some(&uuid), name != "stale"),
        });
    }
    for (nth, (name, scope)) in SCOPES.into_iter().enumerate() {
        let token = format!("{nth:020}{nth:020}");
        insert_token(fixture, name, scope, &token).await;
        callers.push(Caller {
            name: format!("{name} [{scope}]"),
            headers: vec![("authorization", format!("Bearer {token}"))],
        });
    }
    callers
}

/// A session with its CSRF token.
fn session(config: &SessionConfig, user: Option<&str>, fresh: bool) -> Vec<(&'static str, String)> {
    let mut values = serde_json::Map::new();
    values.insert("_csrf_token".to_owned(), json!("csrf"));
    if let Some(user) = user {
        let date = if fresh {
            testing::now()
        } else {
            testing::now() - chrono::TimeDelta::hours(1)
        };
        values.insert("_user_id".to_owned(), json!(user));
        values.insert("login_time".to_owned(), json!({ " d": dates::http(date) }));
    }
    let now = u64::try_from(testing::now().and_utc().timestamp()).unwrap();
    let cookie = config.cookies.seal(&values, now);
    vec![
        ("cookie", format!("_csrf_token={cookie}")),
        ("x-csrf-token", "csrf".to_owned()),
    ]
}

async fn uuid(fixture: &Fixture, name: &str) -> String {
    let mut conn = fixture.db.read().await.unwrap();
    let login = pierhead_db::queries::principals::find_password(&mut conn, name).await;
    login.unwrap().unwrap().user_uuid.unwrap()
}

async fn insert_token(fixture: &Fixture, name: &str, scope: &'static str, token: &str) {
    let (name, token) = (name.to_owned(), token.to_owned());
    let write = fixture.api.accounts().write(move |conn| {
        Box::pin(async move {
            let user = users::find(conn, &name).await?.unwrap();
            let application = NewApplication {
                client_id: &token[..20],
                name: "matrix",
                ..NewApplication::default()
            };
            let application = oauth_applications::insert(conn, user.id, &application).await?;
            let hash = bcrypt::hash(&token[20..], 4).unwrap();
            let new = NewAccessToken {
                uuid: &token[..20],
                application,
                user: user.id,
                scope,
                token_type: "Bearer",
                expires_at: testing::now() + chrono::TimeDelta::days(1),
                data: "",
                token_name: &token[..20],
                token_code: &hash,
                display_name: None,
                created: testing::now(),
            };
            oauth_tokens::insert(conn, &new).await?;
            Ok::<_, Error>(())
        })
    });
    write.await.unwrap();
}

/// For each distinct rule and kind of method: how everybody fares, and that every route with that rule agrees.
async fn matrix(change: fn(&mut AuthConfig)) -> String {
    let site = Site::new(change).await;
    let mut rows: BTreeMap<String, BTreeSet<Vec<u16>>> = BTreeMap::new();
    for route in controllers::routes().routes {
        let verb = if route.method == Method::GET {
            "reads"
        } else {
            "changes"
        };
        let mut fares = Vec::new();
        for caller in &site.callers {
            let status = site.ask(&route.method, &route.path, caller).await;
            fares.push(status.as_u16());
        }
        rows.entry(format!("{} {verb}", route.rule))
            .or_default()
            .insert(fares);
    }
    let mut lines = Vec::new();
    for (rule, fares) in rows {
        assert_eq!(
            fares.len(),
            1,
            "routes with the rule {rule} differ: {fares:?}"
        );
        let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
        for (status, caller) in fares.into_iter().flatten().zip(&site.callers) {
            by_status.entry(status).or_default().push(&caller.name);
        }
        lines.push(rule);
        for (status, names) in by_status {
            let fate = if status == 204 {
                "may".to_owned()
            } else {
                status.to_string()
            };
            lines.push(format!("    {fate}: {}", names.join(", ")));
        }
    }
    assert_eq!(
        site.fixture.count("SELECT COUNT(*) FROM repository").await,
        1
    );
    lines.join("\n")
}

#[tokio::test]
async fn everybody_passes_the_guards_they_may_pass() {
    insta::assert_snapshot!(matrix(|_| {}).await);
}

#[tokio::test]
async fn superusers_with_full_access_pass_those_of_repositories_and_organizations_too() {
    insta::assert_snapshot!(matrix(|auth| auth.superusers_full_access = true).await);
}

#[tokio::test]
async fn without_anonymous_access_these_routes_still_answer_anonymous_callers() {
    let site = Site::new(|auth| auth.anonymous_access = false).await;
    let anonymous = &site.callers[0];
    let mut open = Vec::new();
    for route in controllers::routes().routes {
        let status = site.ask(&route.method, &route.path, anonymous).await;
        if status == StatusCode::NO_CONTENT {
            open.push(format!("{} {}", route.path, route.method));
        }
    }
    open.sort();
    insta::assert_snapshot!(open.join("\n"));
}
