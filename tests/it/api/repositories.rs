//! Repositories, their lists, stars and permissions.

use pierhead_testkit::{ApiClient, Client, Credentials, Engine, Image, Pierhead, Result};
use reqwest::StatusCode;
use serde_json::{Value, json};

const PASSWORD: &str = "correct-horse";

/// A server, its first user's client with every scope, and that user's registry login.
async fn start(engine: Engine, config: Value) -> (Pierhead, ApiClient, Credentials) {
    let server = Pierhead::builder()
        .engine(engine)
        .config(config)
        .start()
        .await
        .unwrap();
    let owner = server
        .initialize_with_token("devel", PASSWORD)
        .await
        .unwrap();
    (server, owner, Credentials::new("devel", PASSWORD))
}

async fn get(client: &ApiClient, path: &str) -> Result<Value> {
    client.get(path).await?.expect(&[StatusCode::OK])?.json()
}

/// The names of a list.
fn names(list: &Value) -> Vec<String> {
    let repositories = list["repositories"].as_array().unwrap();
    repositories
        .iter()
        .map(|row| format!("{}/{}", row["namespace"], row["name"]).replace('"', ""))
        .collect()
}

/// Status and the part of the body that says why.
fn refused(answer: Result<pierhead_testkit::Response>) -> (u16, String) {
    let answer = answer.unwrap();
    let body = answer.json().unwrap_or_default();
    let why = ["error_type", "message", "error", "detail"]
        .iter()
        .find_map(|key| body[key].as_str())
        .unwrap_or_default();
    (answer.status.as_u16(), why.to_owned())
}

/// Q7: repositories are made, found, starred, changed and deleted.
async fn life_of_a_repository(engine: Engine) {
    let config = json!({ "FEATURE_REPO_MIRROR": true });
    let (mut server, owner, login) = start(engine, config).await;
    server.create_organization("acme", &login).unwrap();
    let new = |namespace: Option<&str>, name: &str, visibility: &str| {
        let mut new =
            json!({ "repository": name, "visibility": visibility, "description": "# Hi" });
        if let Some(namespace) = namespace {
            new["namespace"] = json!(namespace);
        }
        new
    };
    let path = "/api/v1/repository";

    let created = owner.post(path, new(None, "app", "private")).await.unwrap();
    assert_eq!(created.status, StatusCode::CREATED);
    let expected = json!({ "namespace": "devel", "name": "app", "kind": "image" });
    assert_eq!(created.json().unwrap(), expected);
    let nested = new(Some("acme"), "team/app", "public");
    owner
        .post(path, nested)
        .await
        .unwrap()
        .expect(&[StatusCode::CREATED])
        .unwrap();

    // Bad input changes nothing.
    for bad in [
        new(None, "app", "private"),
        new(None, "App", "private"),
        new(None, "a//b", "private"),
        new(None, "", "private"),
        new(None, "other", "secret"),
        json!({ "repository": "other", "visibility": "public" }),
        json!({ "repository": 3, "visibility": "public", "description": "" }),
        json!({ "repository": "other", "visibility": "public", "description": "", "repo_kind": "application" }),
    ] {
        let answer = refused(owner.post(path, bad.clone()).await);
        assert_eq!(answer, (400, "invalid_request".to_owned()), "{bad}");
    }
    let nowhere = new(Some("nobody"), "x", "public");
    assert_eq!(
        refused(owner.post(path, nowhere).await),
        (403, "insufficient_scope".to_owned())
    );
    let anonymous = server.anonymous();
    assert_eq!(
        refused(anonymous.post(path, new(None, "x", "public")).await).0,
        403
    );

    // Lists.
    let list = get(
        &owner,
        "/api/v1/repository?namespace=devel&popularity=true&last_modified=true",
    )
    .await
    .unwrap();
    let expected = json!({ "repositories": [{
        "namespace": "devel", "name": "app", "description": "# Hi", "is_public": false, "kind": "image",
        "state": "NORMAL", "last_modified": null, "popularity": 0.0, "is_starred": false,
    }] });
    assert_eq!(list, expected);
    let list = get(&anonymous, "/api/v1/repository?public=true")
        .await
        .unwrap();
    assert_eq!(names(&list), ["acme/team/app"]);
    assert!(list["repositories"][0].get("is_starred").is_none());
    let both = get(&owner, "/api/v1/repository?public=true").await.unwrap();
    assert_eq!(names(&both), ["devel/app", "acme/team/app"]);
    assert!(
        names(
            &get(&anonymous, "/api/v1/repository?namespace=devel")
                .await
                .unwrap()
        )
        .is_empty()
    );
    assert!(
        names(
            &get(&owner, "/api/v1/repository?namespace=nobody")
                .await
                .unwrap()
        )
        .is_empty()
    );
    assert_eq!(
        refused(owner.get(path).await),
        (400, "invalid_request".to_owned())
    );
    assert_eq!(
        refused(owner.get("/api/v1/repository?public=1&repo_kind=odd").await).0,
        400
    );
    assert_eq!(
        refused(anonymous.get("/api/v1/repository?starred=true").await).0,
        400
    );

    // Stars.
    let star = json!({ "namespace": "acme", "repository": "team/app" });
    for _ in 0..2 {
        let starred = owner
            .post("/api/v1/user/starred", star.clone())
            .await
            .unwrap();
        assert_eq!(
            (starred.status, starred.json().unwrap()),
            (StatusCode::CREATED, star.clone())
        );
    }
    let missing = json!({ "namespace": "acme", "repository": "none" });
    let nothing = owner.post("/api/v1/user/starred", missing).await.unwrap();
    assert_eq!(
        (nothing.status, nothing.json().unwrap()),
        (StatusCode::OK, Value::Null)
    );
    let starred = json!({ "namespace": "acme", "name": "team/app", "description": "# Hi", "is_public": true });
    assert_eq!(
        get(&owner, "/api/v1/user/starred").await.unwrap(),
        json!({ "repositories": [starred] })
    );
    let list = get(&owner, "/api/v1/repository?starred=true")
        .await
        .unwrap();
    assert_eq!(names(&list), ["acme/team/app"]);
    assert_eq!(list["repositories"][0]["is_starred"], true);
    owner
        .delete("/api/v1/user/starred/acme/team/app")
        .await
        .unwrap()
        .expect(&[StatusCode::NO_CONTENT])
        .unwrap();
    assert!(names(&get(&owner, "/api/v1/user/starred").await.unwrap()).is_empty());
    assert_eq!(
        refused(anonymous.get("/api/v1/user/starred").await),
        (401, "invalid_token".to_owned())
    );

    // One repository, with what was pushed to it.
    let client = Client::new(&server, Some(&login));
    let image = Image::build(1, &[300]);
    client
        .push_image("devel/app", "latest", &image)
        .await
        .unwrap();
    let app = "/api/v1/repository/devel/app";
    let mut view = get(&owner, &format!("{app}?includeStats=true"))
        .await
        .unwrap();
    let stats = view.as_object_mut().unwrap().remove("stats").unwrap();
    assert!(stats.as_array().unwrap().len() >= 91, "{stats}");
    let token = view
        .as_object_mut()
        .unwrap()
        .remove("status_token")
        .unwrap();
    let mut tags = view.as_object_mut().unwrap().remove("tags").unwrap();
    assert!(
        tags["latest"]
            .as_object_mut()
            .unwrap()
            .remove("last_modified")
            .is_some()
    );
    let size: usize = image.layers.iter().map(|layer| layer.bytes.len()).sum();
    let expected = json!({ "latest": { "name": "latest", "size": size, "manifest_digest": image.manifest.digest } });
    assert_eq!(tags, expected);
    let expected = json!({
        "namespace": "devel", "name": "app", "kind": "image", "description": "# Hi", "is_public": false,
        "is_organization": false, "is_starred": false, "trust_enabled": false, "tag_expiration_s": 1_209_600,
        "is_free_account": true, "state": "NORMAL", "can_write": true, "can_admin": true,
    });
    assert_eq!(view, expected);
    assert!(
        get(&owner, &format!("{app}?includeTags=false"))
            .await
            .unwrap()
            .get("tags")
            .is_none()
    );
    let list = get(
        &owner,
        "/api/v1/repository?namespace=devel&last_modified=true",
    )
    .await
    .unwrap();
    assert!(
        list["repositories"][0]["last_modified"].as_i64().unwrap() > 1_700_000_000,
        "{list}"
    );

    // The badge of a private repository needs its token.
    let badge = "/repository/devel/app/status";
    assert_eq!(
        anonymous.get(badge).await.unwrap().status,
        StatusCode::NOT_FOUND
    );
    let badge = format!("{badge}?token={}", token.as_str().unwrap());
    let picture = anonymous
        .get(&badge)
        .await
        .unwrap()
        .expect(&[StatusCode::OK])
        .unwrap();
    assert_eq!(picture.header("content-type").unwrap(), "image/svg+xml");
    assert!(picture.text().contains("none"), "{}", picture.text());

    // Changes.
    let changed = owner
        .put(app, json!({ "description": "new" }))
        .await
        .unwrap();
    assert_eq!(changed.json().unwrap(), json!({ "success": true }));
    assert_eq!(get(&owner, app).await.unwrap()["description"], "new");
    assert_eq!(refused(owner.put(app, json!({})).await).0, 400);
    assert_eq!(
        refused(anonymous.get(app).await),
        (401, "invalid_token".to_owned())
    );
    let visibility = format!("{app}/changevisibility");
    assert_eq!(
        refused(owner.post(&visibility, json!({ "visibility": "x" })).await).0,
        400
    );
    owner
        .post(&visibility, json!({ "visibility": "public" }))
        .await
        .unwrap()
        .expect(&[StatusCode::OK])
        .unwrap();
    let seen = get(&anonymous, app).await.unwrap();
    assert_eq!(
        (
            &seen["is_public"],
            &seen["status_token"],
            &seen["can_write"]
        ),
        (&json!(true), &json!(""), &json!(false))
    );
    let state = format!("{app}/changestate");
    for bad in ["ORG_MIRROR", "MARKED_FOR_DELETION", "odd"] {
        assert_eq!(
            refused(owner.put(&state, json!({ "state": bad })).await).0,
            400,
            "{bad}"
        );
    }
    owner
        .put(&state, json!({ "state": "READ_ONLY" }))
        .await
        .unwrap()
        .expect(&[StatusCode::OK])
        .unwrap();
    assert!(client.push_image("devel/app", "v2", &image).await.is_err());
    let tag = format!("{app}/tag/latest");
    let (status, why) = refused(owner.delete(&tag).await);
    assert_eq!(status, 503, "{why}");
    assert_eq!(get(&owner, app).await.unwrap()["can_write"], false);
    owner
        .put(&state, json!({ "state": "NORMAL" }))
        .await
        .unwrap()
        .expect(&[StatusCode::OK])
        .unwrap();
    client.push_image("devel/app", "v2", &image).await.unwrap();

    // Access tokens are gone.
    for answer in [
        owner.get(&format!("{app}/tokens/")).await,
        owner
            .post(&format!("{app}/tokens/"), json!({ "friendlyName": "x" }))
            .await,
        owner.get(&format!("{app}/tokens/x")).await,
        owner
            .put(&format!("{app}/tokens/x"), json!({ "role": "read" }))
            .await,
        owner.delete(&format!("{app}/tokens/x")).await,
    ] {
        let (status, why) = refused(answer);
        assert!(
            status == 410 && why.ends_with("no longer supported"),
            "{status} {why}"
        );
    }
    assert_eq!(
        refused(owner.post(&format!("{app}/tokens/"), json!({})).await).0,
        400
    );

    // Deleted: gone at once, and its name is free.
    owner
        .delete(app)
        .await
        .unwrap()
        .expect(&[StatusCode::NO_CONTENT])
        .unwrap();
    assert_eq!(refused(owner.get(app).await), (404, "not_found".to_owned()));
    assert!(
        client
            .manifest("GET", "devel/app", "latest")
            .await
            .unwrap()
            .status
            .is_client_error()
    );
    assert!(
        names(
            &get(&owner, "/api/v1/repository?namespace=devel")
                .await
                .unwrap()
        )
        .is_empty()
    );
    owner
        .post(path, new(None, "app", "private"))
        .await
        .unwrap()
        .expect(&[StatusCode::CREATED])
        .unwrap();
    assert_eq!(get(&owner, app).await.unwrap()["tags"], json!({}));
    if let Some(database) = server.database() {
        let rows = |sql: &str| database.sql(sql).unwrap();
        assert_eq!(rows("select original_name from deletedrepository"), "app");
        assert_eq!(
            rows("select count(*) from queueitem where queue_name like 'repositorygc/devel/%'"),
            "1"
        );
        let kinds = "select k.name from logentry3 l join logentrykind k on k.id = l.kind_id where k.name like '%repo%' \
            and k.name not like 'pu%' order by l.id";
        let expected = [
            "create_repo",
            "create_repo",
            "set_repo_description",
            "change_repo_visibility",
            "change_repo_state",
            "change_repo_state",
            "delete_repo",
            "create_repo",
        ];
        assert_eq!(rows(kinds).lines().collect::<Vec<_>>(), expected);
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_repository_lives_on_sqlite() {
    life_of_a_repository(Engine::Sqlite).await;
}

#[tokio::test]
async fn a_repository_lives_on_postgresql() {
    life_of_a_repository(Engine::PostgreSql).await;
}

/// A page costs the same whether there are a few repositories or many.
async fn pages_of_repositories(engine: Engine) {
    let (mut server, owner, _) = start(engine, json!({})).await;
    let make = async |number: usize| {
        let new = json!({
            "repository": format!("r{number}"), "visibility": "private", "description": "",
        });
        let answer = owner.post("/api/v1/repository", new).await.unwrap();
        answer.expect(&[StatusCode::CREATED]).unwrap();
    };
    make(0).await;
    let path = "/api/v1/repository?namespace=devel&last_modified=true&popularity=true";
    let page = async || get(&owner, path).await;
    let few = server.statements_when_warm(page).await.unwrap();
    // The token, whose use is remembered; the namespace with the caller's teams; the page.
    assert!(few <= 2, "{few}");
    for number in 1..205 {
        make(number).await;
    }
    assert_eq!(server.statements_when_warm(page).await.unwrap(), few);
    let mut seen = Vec::new();
    let mut next = path.to_owned();
    let mut pages = 0;
    loop {
        let page = get(&owner, &next).await.unwrap();
        seen.extend(names(&page));
        pages += 1;
        match page["next_page"].as_str() {
            Some(token) => next = format!("{path}&next_page={token}"),
            None => break,
        }
    }
    assert_eq!(pages, 3);
    let expected: Vec<_> = (0..205).map(|number| format!("devel/r{number}")).collect();
    assert_eq!(seen, expected);
    // A token that nobody made begins anew.
    let page = get(&owner, &format!("{path}&next_page=odd")).await.unwrap();
    assert_eq!(names(&page)[0], "devel/r0");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn repositories_are_paged_on_sqlite() {
    pages_of_repositories(Engine::Sqlite).await;
}

#[tokio::test]
async fn repositories_are_paged_on_postgresql() {
    pages_of_repositories(Engine::PostgreSql).await;
}

/// Permissions of people, robots and teams take effect at once.
async fn permissions(engine: Engine) {
    let (mut server, owner, login) = start(engine, json!({})).await;
    server.create_organization("acme", &login).unwrap();
    let bob = server.create_user("bob").unwrap();
    let robot = server.create_robot("acme+ci").unwrap();
    server.create_robot("devel+own").unwrap();
    server.create_repository("acme/app", "private").unwrap();
    let reader = Client::new(&server, Some(&bob));
    assert!(reader.tags("acme/app").await.is_err());

    let base = "/api/v1/repository/acme/app/permissions";
    let role = |role: &str| json!({ "role": role });
    let given = owner
        .put(&format!("{base}/user/bob"), role("read"))
        .await
        .unwrap();
    let mut view = given.expect(&[StatusCode::OK]).unwrap().json().unwrap();
    let avatar = view.as_object_mut().unwrap().remove("avatar").unwrap();
    assert_eq!(
        (&avatar["name"], &avatar["kind"]),
        (&json!("bob"), &json!("user"))
    );
    let expected =
        json!({ "role": "read", "name": "bob", "is_robot": false, "is_org_member": false });
    assert_eq!(view, expected);
    assert!(
        reader.tags("acme/app").await.is_ok(),
        "a permission counts at once"
    );
    owner
        .put(&format!("{base}/user/acme+ci"), role("write"))
        .await
        .unwrap()
        .expect(&[StatusCode::OK])
        .unwrap();
    let pusher = Client::new(&server, Some(&robot));
    pusher
        .push_image("acme/app", "v1", &Image::build(2, &[200]))
        .await
        .unwrap();
    let list = get(&owner, &format!("{base}/user/")).await.unwrap();
    let roles = |name: &str| {
        let entry = &list["permissions"][name];
        (
            entry["role"].clone(),
            entry["is_robot"].clone(),
            entry["is_org_member"].clone(),
        )
    };
    assert_eq!(roles("bob"), (json!("read"), json!(false), json!(false)));
    assert_eq!(roles("acme+ci"), (json!("write"), json!(true), json!(true)));

    let team = owner
        .put(&format!("{base}/team/owners"), role("admin"))
        .await
        .unwrap();
    let team = team.expect(&[StatusCode::OK]).unwrap().json().unwrap();
    assert_eq!(
        (&team["name"], &team["role"], &team["avatar"]["kind"]),
        (&json!("owners"), &json!("admin"), &json!("team"))
    );
    assert_eq!(
        get(&owner, &format!("{base}/team/owners")).await.unwrap(),
        json!({ "role": "admin" })
    );
    let teams = get(&owner, &format!("{base}/team/")).await.unwrap();
    assert_eq!(teams["permissions"]["owners"]["role"], "admin");
    let transitive = get(&owner, &format!("{base}/user/bob/transitive"))
        .await
        .unwrap();
    assert_eq!(transitive, json!({ "permissions": [{ "role": "read" }] }));

    let bad = (400, "invalid_request".to_owned());
    for (who, given) in [
        ("user/bob", role("owner")),
        ("user/bob", json!({})),
        ("user/nobody", role("read")),
        ("user/acme", role("read")),
        ("user/devel+own", role("read")),
        ("team/none", role("read")),
    ] {
        let answer = refused(owner.put(&format!("{base}/{who}"), given.clone()).await);
        assert_eq!(answer, bad, "{who} {given}");
    }
    assert_eq!(
        refused(owner.delete(&format!("{base}/team/none")).await),
        bad
    );
    assert_eq!(
        refused(owner.get(&format!("{base}/user/nobody")).await).0,
        400
    );
    assert_eq!(
        refused(owner.get(&format!("{base}/user/nobody/transitive")).await),
        (404, "not_found".to_owned())
    );
    let anonymous = server.anonymous();
    assert_eq!(
        refused(anonymous.get(&format!("{base}/user/")).await),
        (401, "invalid_token".to_owned())
    );
    assert_eq!(
        get(&owner, &format!("{base}/user/bob")).await.unwrap()["role"],
        "read",
        "nothing changed"
    );

    owner
        .delete(&format!("{base}/user/bob"))
        .await
        .unwrap()
        .expect(&[StatusCode::NO_CONTENT])
        .unwrap();
    assert!(
        reader.tags("acme/app").await.is_err(),
        "a permission that is taken back ends at once"
    );
    assert_eq!(
        refused(owner.delete(&format!("{base}/user/bob")).await),
        bad
    );
    owner
        .delete(&format!("{base}/team/owners"))
        .await
        .unwrap()
        .expect(&[StatusCode::NO_CONTENT])
        .unwrap();
    server.stop().await.unwrap();
}

#[tokio::test]
async fn permissions_count_at_once_on_sqlite() {
    permissions(Engine::Sqlite).await;
}

#[tokio::test]
async fn permissions_count_at_once_on_postgresql() {
    permissions(Engine::PostgreSql).await;
}
