//! Starting, listening, health, metrics, read-only mode, stopping.

use pierhead_testkit::{Client, Engine, Image, Pierhead, Postgres, Sandbox, eventually};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::namespace::{inside, wrapper};

const LOOPBACK_UP: &str = "ip link set lo up; exec \"$@\"";

fn parts(command: &[String]) -> Vec<&str> {
    command.iter().map(String::as_str).collect()
}

/// What a health check says once it is content: a machine that stops for two seconds makes one fail.
async fn healthy(client: &Client, path: &str) -> pierhead_testkit::Result<Value> {
    eventually(&format!("{path} to be content"), || async {
        let answer = client.send("GET", path).await?;
        let content = answer.status == StatusCode::OK;
        content.then(|| answer.json()).transpose()
    })
    .await
}

on_both_engines! {
    /// P2: the health document that the upgrade guide shows.
    fn health_lists_every_service(site) {
        for path in ["/health/instance", "/health"] {
            let body = healthy(&site.client(), path).await?;
            assert_eq!(body["status_code"], 200);
            let services = &body["data"]["services"];
            for service in
                ["auth", "database", "disk_space", "registry_gunicorn", "service_key", "web_gunicorn"]
            {
                assert_eq!(services[service], true, "{service} in {body}");
            }
        }
        let body = healthy(&site.client(), "/health/endtoend").await?;
        assert_eq!(body["data"]["services"]["storage"], true, "{body}");
        assert_eq!(body["data"]["services"]["database"], true, "{body}");
        healthy(&site.client(), "/health/warning").await?;
    }

    fn a_browser_gets_a_page_that_says_what_runs_here(site) {
        let request = site.client().request("GET", "/")?.header("accept", "text/html");
        let answer = site.client().execute(request).await?.expect(&[StatusCode::OK])?;
        assert!(answer.header("content-type")?.starts_with("text/html"));
        let page = answer.text();
        assert!(page.contains("Pierhead") && page.contains(site.server.host()), "{page}");
    }

    fn the_first_user_is_made_once(site) {
        let body = json!({
            "username": "second", "password": "a-long-password", "email": "s@example.com", "access_token": true,
        });
        let anonymous = Client::new(&site.server, None);
        let answer = anonymous.send_json("POST", "/api/v1/user/initialize", &body).await?;
        assert_eq!(answer.status, 400, "{}", answer.text());
    }

    fn a_permission_that_is_taken_back_ends_pulls_with_tokens_that_were_issued_before(site) {
        site.server.create_organization("acme", &site.owner)?;
        let image = Image::build(122, &[900]);
        site.client().push_image("acme/app", "v1", &image).await?;
        let robot = site.server.create_robot("acme+reader")?;
        site.server.permit("acme/app", "robot", "acme+reader", "read")?;
        let client = Client::new(&site.server, Some(&robot));
        assert_eq!(client.get_manifest("acme/app", "v1").await?.bytes, image.manifest.bytes);

        site.server.permit("acme/app", "robot", "acme+reader", "none")?;
        // The token was issued before and has not expired: it grants nothing by itself.
        eventually("pulls to be refused", || async {
            let answer = client.manifest("GET", "acme/app", "v1").await?;
            Ok((answer.status == 401).then_some(()))
        })
        .await?;
    }

    fn robots_and_permissions_decide_who_may_pull_and_push(site) {
        site.server.create_organization("acme", &site.owner)?;
        site.server.create_repository("acme/app", "private")?;
        let image = Image::build(121, &[900]);
        site.client().push_image("acme/app", "v1", &image).await?;
        let reader = site.server.create_robot("acme+reader")?;
        let writer = site.server.create_robot("acme+writer")?;
        let stranger = site.server.create_robot("acme+stranger")?;
        site.server.permit("acme/app", "robot", "acme+reader", "read")?;
        site.server.permit("acme/app", "robot", "acme+writer", "write")?;

        let client = Client::new(&site.server, Some(&reader));
        assert_eq!(client.get_manifest("acme/app", "v1").await?.bytes, image.manifest.bytes);
        assert!(client.push_image("acme/app", "v2", &image).await.is_err());
        Client::new(&site.server, Some(&writer)).push_image("acme/app", "v2", &image).await?;
        for credentials in [Some(&stranger), None] {
            let refused = Client::new(&site.server, credentials).manifest("GET", "acme/app", "v1").await?;
            assert_eq!(refused.status, 401, "{}", refused.text());
            // An error does not tell a private repository from one that does not exist.
            let absent = Client::new(&site.server, credentials).manifest("GET", "acme/none", "v1").await?;
            assert_eq!((absent.status, absent.error_code()), (refused.status, refused.error_code()));
        }
    }
}

/// M11: metrics carry Quay's names, `quay_org_rows` among them.
#[tokio::test]
async fn metrics_are_exported_under_quays_names() {
    for engine in [Engine::Sqlite, Engine::PostgreSql] {
        let mut server = Pierhead::builder()
            .engine(engine)
            .config(json!({ "GLOBAL_PROMETHEUS_STATS_FREQUENCY": 1 }))
            .start()
            .await
            .unwrap();
        let owner = server.initialize("devel").await.unwrap();
        let client = Client::new(&server, Some(&owner));
        client
            .push_image("devel/counted", "v1", &Image::build(120, &[100]))
            .await
            .unwrap();
        client.get_manifest("devel/counted", "v1").await.unwrap();
        server.create_organization("acme", &owner).unwrap();
        let metrics = eventually("the organization to be counted", || async {
            let metrics = server.metrics().await?;
            Ok((metrics.sum("quay_org_rows", &[]) == Some(1.0)).then_some(metrics))
        })
        .await
        .unwrap();
        assert_eq!(metrics.sum("quay_user_rows", &[]), Some(1.0));
        assert_eq!(metrics.sum("quay_repository_rows", &[]), Some(1.0));
        assert!(metrics.sum("quay_registry_image_pulls_total", &[("ref", "tag")]) >= Some(1.0));
        assert!(metrics.sum("quay_registry_image_pushes_total", &[]) >= Some(1.0));
        assert!(metrics.sum("quay_db_connect_calls_total", &[]) >= Some(1.0));
        // Two blobs, each in one request; the tag was looked up once.
        let region = [("region", "default")];
        assert_eq!(
            metrics.sum("quay_chunk_upload_duration_seconds_count", &region),
            Some(2.0)
        );
        assert_eq!(
            metrics.sum("pierhead_tag_cache_lookups_total", &[]),
            Some(1.0)
        );
        server.stop().await.unwrap();
    }
}

/// P1: `FEATURE_LISTEN_IP_VERSION: IPv6` listens on IPv6, and on nothing else.
#[tokio::test]
async fn the_server_listens_on_the_configured_ip_versions() {
    let sandbox = Sandbox::new().unwrap();
    let cases = [
        ("IPv6", false, true),
        ("IPv4", true, false),
        ("dual-stack", true, true),
    ];
    for (version, on_4, on_6) in cases {
        let command = wrapper(&["--net"], LOOPBACK_UP);
        let mut server = Pierhead::builder()
            .config(json!({ "FEATURE_LISTEN_IP_VERSION": version }))
            .listen(None)
            .wrapper(&parts(&command))
            .start()
            .await
            .unwrap();
        for (host, answers) in [("127.0.0.1", on_4), ("[::1]", on_6)] {
            let url = format!("http://{host}:8080/robots.txt");
            let curl = [
                "curl",
                "--silent",
                "--show-error",
                "--fail",
                "--globoff",
                &url,
            ];
            let answer = inside(&server, &sandbox, &curl).await;
            assert_eq!(answer.is_ok(), answers, "{version}, {url}: {answer:?}");
        }
        server.stop().await.unwrap();
    }
}

/// P4: IPv6 asked for where there is none is a start that fails and says why.
#[tokio::test]
async fn ipv6_without_ipv6_is_a_clear_failure() {
    let script = "for file in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 >$file; done; \
                  ip link set lo up; exec \"$@\"";
    let command = wrapper(&["--net"], script);
    let started = Pierhead::builder()
        .config(json!({ "FEATURE_LISTEN_IP_VERSION": "IPv6" }))
        .listen(None)
        .wrapper(&parts(&command))
        .start()
        .await;
    let message = started
        .expect_err("a server without an address")
        .to_string();
    assert!(
        message.contains("IPv6") && message.contains("FEATURE_LISTEN_IP_VERSION"),
        "{message}"
    );
}

/// U47: the container's layout: `/conf/stack`, `/datastorage`, ports 8080 and 9091, no argument.
#[tokio::test]
async fn the_container_layout_needs_no_argument() {
    let sandbox = Sandbox::new().unwrap();
    let data = sandbox.path("datastorage");
    std::fs::create_dir_all(&data).unwrap();
    // The binary and the folders of the test are bound into a root that has the two volumes.
    let script = format!(
        r"binary=$1; stack=$4; root={0}/root
           ip link set lo up
           mkdir -p $root; mount -t tmpfs tmpfs $root
           for folder in usr lib lib64 etc dev proc tmp; do
               [ -e /$folder ] || continue
               mkdir -p $root/$folder; mount --rbind $(readlink -f /$folder) $root/$folder
           done
           mkdir -p $root/conf/stack $root/datastorage $root/app
           mount --bind $stack $root/conf/stack
           mount --bind {1} $root/datastorage
           cp $binary $root/app/pierhead
           exec chroot $root /app/pierhead serve",
        sandbox.path("chroot").display(),
        data.display(),
    );
    let command = wrapper(&["--net", "--mount"], &script);
    let storage =
        json!({ "default": ["LocalStorage", { "storage_path": "/datastorage/registry" }] });
    let mut server = Pierhead::builder()
        .config(
            json!({ "DISTRIBUTED_STORAGE_CONFIG": storage, "SERVER_HOSTNAME": "127.0.0.1:8080" }),
        )
        .listen(None)
        .wrapper(&parts(&command))
        .start()
        .await
        .unwrap();
    let curl = async |url: &str, more: &[&str]| {
        let mut arguments = vec!["curl", "--silent", "--show-error", "--fail", url];
        arguments.extend(more);
        inside(&server, &sandbox, &arguments).await
    };
    let user = r#"{"username":"devel","password":"a-long-password","email":"d@example.com","access_token":true}"#;
    let json = ["--header", "Content-Type: application/json", "--data", user];
    curl("http://127.0.0.1:8080/api/v1/user/initialize", &json)
        .await
        .unwrap();
    let metrics = curl("http://127.0.0.1:9091/metrics", &[]).await.unwrap();
    assert!(metrics.contains("quay_"), "{metrics}");

    let mut layout = pierhead_testkit::Layout::create(sandbox.path("in")).unwrap();
    layout.add_image("v1", &Image::build(130, &[3000])).unwrap();
    let skopeo = [
        "skopeo",
        "copy",
        "--dest-tls-verify=false",
        "--dest-creds",
        "devel:a-long-password",
        "oci:in:v1",
        "docker://127.0.0.1:8080/devel/app:v1",
    ];
    inside(&server, &sandbox, &skopeo).await.unwrap();
    assert!(
        data.join("registry/sha256").is_dir(),
        "nothing was stored below /datastorage"
    );
    server.stop().await.unwrap();
}

/// R1: read-only mode serves pulls and stays healthy while it refuses writes.
#[tokio::test]
async fn a_read_only_registry_serves_pulls_and_refuses_pushes() {
    let postgres = Postgres::shared().await.unwrap();
    let database = postgres.empty_database().unwrap();
    let sandbox = Sandbox::new().unwrap();
    // A read-only registry makes no signing key: it goes on with the one it had.
    let keys = json!({
        "INSTANCE_SERVICE_KEY_LOCATION": sandbox.path("quay.pem"),
        "INSTANCE_SERVICE_KEY_KID_LOCATION": sandbox.path("quay.kid"),
    });
    let builder = || {
        Pierhead::builder()
            .database(&database)
            .data(sandbox.path("data"))
            .config(keys.clone())
    };
    let mut server = builder().start().await.unwrap();
    let owner = server.initialize("devel").await.unwrap();
    let image = Image::build(140, &[2000]);
    Client::new(&server, Some(&owner))
        .push_image("devel/app", "v1", &image)
        .await
        .unwrap();
    server.stop().await.unwrap();

    // A database as Quay leaves it, and a role that may only read: whatever the registry tried to write would fail.
    database
        .sql(
            "DROP INDEX IF EXISTS pierhead_tag_name, pierhead_repository_namespace, pierhead_user_username; \
             DROP TABLE pierhead_deleted_blob",
        )
        .unwrap();
    let reader = format!("reader_{}", std::process::id());
    let role = format!(
        "CREATE ROLE {reader} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}"
    );
    database.sql(&role).unwrap();
    let uri = database.uri().replace("quay@", &format!("{reader}@"));
    let rows = "SELECT COUNT(*) FROM logentry3";
    let logged = database.sql(rows).unwrap();
    let mut server = builder()
        .config(json!({ "REGISTRY_STATE": "readonly", "DB_URI": uri }))
        .start()
        .await
        .unwrap();
    let client = Client::new(&server, Some(&owner));
    assert_eq!(
        client.get_manifest("devel/app", "v1").await.unwrap().bytes,
        image.manifest.bytes
    );
    for blob in image.blobs() {
        assert_eq!(
            client.get_blob("devel/app", &blob.digest).await.unwrap(),
            blob.bytes
        );
    }
    let api = server
        .signed_in(owner.username(), owner.password())
        .await
        .unwrap();
    let path = format!(
        "/api/v1/repository/devel/app/manifest/{}",
        image.manifest.digest
    );
    let view = api.get(&path).await.unwrap().expect(&[StatusCode::OK]);
    let view = view.unwrap().json().unwrap();
    assert_eq!(view["layers"].as_array().unwrap().len(), 1, "{view}");
    let refused = client.start_upload("devel/app").await.unwrap_err();
    assert_eq!(refused.status(), Some(405), "{refused}");
    let refused = client.manifest("DELETE", "devel/app", "v1").await.unwrap();
    assert_eq!(
        (refused.status.as_u16(), refused.error_code().as_str()),
        (405, "DENIED")
    );
    healthy(&client, "/health/instance").await.unwrap();
    server.stop().await.unwrap();
    let log = server.log();
    assert!(!log.contains("permission denied"), "{log}");
    assert_eq!(database.sql(rows).unwrap(), logged);
    let own = "SELECT relname FROM pg_class WHERE relname LIKE 'pierhead%'";
    assert_eq!(database.sql(own).unwrap(), "");
}

/// An empty database stays empty, and a file that is not there is not made.
#[tokio::test]
async fn a_read_only_registry_makes_no_tables() {
    let postgres = Postgres::shared().await.unwrap();
    let database = postgres.empty_database().unwrap();
    let read_only = json!({ "REGISTRY_STATE": "readonly" });
    let builder = Pierhead::builder().database(&database);
    let refused = builder.config(read_only.clone()).start().await;
    let message = refused.expect_err("an empty database").to_string();
    assert!(message.contains("REGISTRY_STATE: readonly"), "{message}");
    assert_eq!(
        database
            .sql("SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'")
            .unwrap(),
        "0"
    );

    let builder = Pierhead::builder().engine(Engine::Sqlite);
    let refused = builder.config(read_only).start().await;
    let message = refused.expect_err("no database").to_string();
    assert!(message.contains("quay.db is not there"), "{message}");
}

#[tokio::test]
async fn a_wrong_configuration_is_refused_with_every_problem_and_no_secret() {
    let started = Pierhead::builder()
        .engine(Engine::Sqlite)
        .config(json!({
            "DEFAULT_TAG_EXPIRATION": "two weeks",
            "FEATURE_LISTEN_IP_VERSION": "IPv5",
            "DATABASE_SECRET_KEY": ["not-to-be-printed"],
        }))
        .start()
        .await;
    let message = started.expect_err("a wrong configuration").to_string();
    for key in [
        "DEFAULT_TAG_EXPIRATION",
        "FEATURE_LISTEN_IP_VERSION",
        "DATABASE_SECRET_KEY",
    ] {
        assert!(message.contains(key), "{key} is not named in: {message}");
    }
    assert!(!message.contains("not-to-be-printed"), "{message}");
}

#[tokio::test]
async fn the_embedded_default_keeps_its_data_and_keys_over_a_restart() {
    let mut server = Pierhead::start(Engine::Sqlite).await.unwrap();
    let owner = server.initialize("devel").await.unwrap();
    let client = Client::new(&server, Some(&owner));
    let image = Image::build(150, &[2000]);
    client.push_image("devel/app", "v1", &image).await.unwrap();
    let token = client.token(&["repository:devel/app:pull"]).await.unwrap();
    server.restart().await.unwrap();
    // A token of before is still good: the signing key was kept.
    let anonymous = Client::new(&server, None);
    let request = anonymous
        .request("GET", "/v2/devel/app/manifests/v1")
        .unwrap();
    let answer = anonymous
        .execute_plain(request.bearer_auth(&token))
        .await
        .unwrap();
    assert_eq!(
        (answer.status.as_u16(), answer.body),
        (200, image.manifest.bytes.clone())
    );
    for file in pierhead_files(&server.data()) {
        use std::os::unix::fs::PermissionsExt as _;
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        if text.contains("SECRET_KEY") || text.contains("PRIVATE KEY") {
            let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{} holds a secret", file.display());
        }
    }
    server.stop().await.unwrap();
}

/// The files directly in a data folder.
fn pierhead_files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect()
}
