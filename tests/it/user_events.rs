//! User events: what clients do at `/v2` reaches the browser of whoever they belong to, in one process and through Redis.

use std::time::Duration;

use pierhead_testkit::{
    ApiClient, Client, Credentials, Engine, Error, EventStream, Image, Pierhead, Port, Postgres,
    Proxy, Redis, RedisOptions, Result, Sandbox, eventually, patience,
};
use reqwest::StatusCode;
use serde_json::{Value, json};

const CLIENT_EVENTS: &str = "/realtime/user/subscribe?events=docker-cli";
const PASSWORD: &str = "a password that no log may hold";

fn event(action: &str, namespace: &str, repository: &str) -> Value {
    let data = json!({ "action": action, "namespace": namespace, "repository": repository });
    json!({ "event": "docker-cli", "data": data })
}

fn login() -> Value {
    json!({ "event": "docker-cli", "data": { "action": "login" } })
}

fn test_event() -> Value {
    json!({ "event": "test", "data": { "foo": 2 } })
}

/// The next event, which has to come.
async fn next(stream: &mut EventStream) -> Value {
    let event = stream.event().await.unwrap();
    event.unwrap_or_else(|| panic!("the stream ended"))
}

async fn session(server: &Pierhead, user: &Credentials) -> Result<ApiClient> {
    server.signed_in(user.username(), user.password()).await
}

/// Waits for the orderly end of a stream.
async fn end(mut stream: EventStream) {
    let ended = async { while stream.event().await.unwrap().is_some() {} };
    tokio::time::timeout(patience(), ended).await.unwrap();
}

/// The events until the first one with this action, repetitions left out.
async fn until(stream: &mut EventStream, action: &str) -> Result<Vec<String>> {
    let mut actions = Vec::new();
    loop {
        let event = next(stream).await;
        let heard = event["data"]["action"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let last = heard == action;
        if !actions.contains(&heard) {
            actions.push(heard);
        }
        if last {
            return Ok(actions);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_the_embedded_default_a_browser_hears_what_its_owners_clients_do() {
    let mut server = Pierhead::start(Engine::Sqlite).await.unwrap();
    let owner = server.initialize("devel").await.unwrap();
    let other = server.create_user("other").unwrap();
    let browser = session(&server, &owner).await.unwrap();
    let others = session(&server, &other).await.unwrap();

    let path = "/realtime/user/subscribe?events=docker-cli,test";
    let mut stream = browser.events(path).await.unwrap();
    for (name, value) in [
        ("content-type", "text/event-stream; charset=utf-8"),
        ("cache-control", "no-cache, no-transform"),
        ("x-accel-buffering", "no"),
    ] {
        assert_eq!(stream.headers()[name], value);
    }
    assert!(stream.headers().get("content-length").is_none());
    let pulse = "data: {\"event\": \"pulse\", \"data\": {}}\n\n";
    for expected in ["data: {}\n\n", pulse, pulse] {
        assert_eq!(stream.message().await.unwrap().unwrap(), expected);
    }
    let mut others_stream = others.events(path).await.unwrap();

    let client = Client::new(&server, Some(&owner));
    client.token(&[]).await.unwrap();
    assert_eq!(next(&mut stream).await, login());
    let image = Image::build(7, &[500]);
    client.push_image("devel/app", "v1", &image).await.unwrap();
    let heard = until(&mut stream, "push_repo").await.unwrap();
    assert_eq!(heard, ["push_start", "push_repo"]);
    let pull = client.token(&["repository:devel/app:pull"]).await.unwrap();
    assert_eq!(next(&mut stream).await, event("pull_start", "devel", "app"));
    let manifest = client
        .request("GET", "/v2/devel/app/manifests/v1")
        .unwrap()
        .bearer_auth(pull);
    let manifest = client.execute_plain(manifest).await.unwrap();
    assert_eq!(manifest.body, image.manifest.bytes);
    assert_eq!(next(&mut stream).await, event("pull_repo", "devel", "app"));
    // What may not be read grants nothing, and is a sign-in all the same.
    client.token(&["repository:nobody/app:pull"]).await.unwrap();
    assert_eq!(next(&mut stream).await, event("login", "nobody", "app"));
    client.manifest("DELETE", "devel/app", "v1").await.unwrap();
    let heard = until(&mut stream, "delete_tag").await.unwrap();
    assert_eq!(heard.last().unwrap(), "delete_tag");

    // A robot is somebody else, and so is everybody else.
    let robot = server.create_robot("devel+ci").unwrap();
    let robot = Client::new(&server, Some(&robot));
    robot.token(&[]).await.unwrap();
    for (browser, stream) in [(&browser, &mut stream), (&others, &mut others_stream)] {
        let answer = browser.get("/realtime/user/test").await.unwrap();
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (StatusCode::OK, "OK")
        );
        assert_eq!(next(stream).await, test_event());
    }
    // A stream in which nothing happens says that it is there.
    assert_eq!(stream.message().await.unwrap().unwrap(), pulse);
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_end_with_their_sessions_and_with_the_process() {
    let mut server = Pierhead::start(Engine::Sqlite).await.unwrap();
    let owner = server.initialize("devel").await.unwrap();
    let other = server.create_user("other").unwrap();
    let browser = session(&server, &owner).await.unwrap();
    let others = session(&server, &other).await.unwrap();
    let stream = browser.events(CLIENT_EVENTS).await.unwrap();
    let mut kept = others.events(CLIENT_EVENTS).await.unwrap();

    let answer = browser.post("/api/v1/signout", json!({})).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    end(stream).await;
    // The stream of somebody else goes on.
    others.get("/realtime/user/test").await.unwrap();
    Client::new(&server, Some(&other)).token(&[]).await.unwrap();
    assert_eq!(next(&mut kept).await, login());

    // A process that waits for its streams would wait for the limit of a stop.
    server.stop().await.unwrap();
    end(kept).await;
    let log = server.log();
    assert!(!log.contains("cut off at the drain deadline"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_listen_is_told_why() {
    let mut server = Pierhead::start(Engine::Sqlite).await.unwrap();
    let devel = server
        .initialize_with_token("devel", "correct-horse-battery-staple")
        .await
        .unwrap();
    let browser = server
        .signed_in("devel", "correct-horse-battery-staple")
        .await
        .unwrap();
    let refusal = json!({
        "error": "Method requires login and no valid login could be loaded.",
    });
    // Neither nobody nor a token has a session.
    for path in [CLIENT_EVENTS, "/realtime/user/test"] {
        for client in [&server.anonymous(), &devel] {
            let answer = client.get(path).await.unwrap();
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
            assert_eq!(answer.json().unwrap(), refusal);
        }
    }
    let names: Vec<String> = (0..33).map(|name| name.to_string()).collect();
    let path = format!("/realtime/user/subscribe?events={}", names.join(","));
    let answer = browser.get(&path).await.unwrap();
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());

    let mut open = Vec::new();
    for _ in 0..16 {
        open.push(browser.events(CLIENT_EVENTS).await.unwrap());
    }
    let metrics = server.metrics().await.unwrap();
    assert_eq!(metrics.sum("pierhead_user_event_streams", &[]), Some(16.0));
    let answer = browser.get(CLIENT_EVENTS).await.unwrap();
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.header("retry-after").unwrap(), "30");
    open.pop();
    // The server notices that a browser went away.
    let again = eventually("a place to be free again", || async {
        match browser.events(CLIENT_EVENTS).await {
            Ok(stream) => Ok(Some(stream)),
            Err(Error::Answer { status: 429, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    })
    .await
    .unwrap();
    drop((open, again));
    server.stop().await.unwrap();

    let mut server = Pierhead::builder()
        .config(json!({ "FEATURE_USER_EVENTS": false }))
        .start()
        .await
        .unwrap();
    let owner = server.initialize("devel").await.unwrap();
    let browser = session(&server, &owner).await.unwrap();
    for path in [CLIENT_EVENTS, "/realtime/user/test"] {
        let answer = browser.get(path).await.unwrap();
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    server.stop().await.unwrap();
}

/// Two instances of one installation, and the Redis between them.
struct Instances {
    one: Pierhead,
    two: Pierhead,
    redis: Redis,
    proxy: Proxy,
    owner: Credentials,
    _folder: Sandbox,
}

impl Instances {
    async fn start() -> Result<Self> {
        let database = Postgres::shared().await?.empty_database()?;
        let folder = Sandbox::new()?;
        let redis = Redis::start_with(RedisOptions {
            password: Some(PASSWORD.to_owned()),
            ..RedisOptions::default()
        })
        .await?;
        let proxy = Proxy::start(redis.port()).await?;
        let server = json!({ "host": "127.0.0.1", "port": proxy.port(), "password": PASSWORD });
        let config = json!({ "BUILDLOGS_REDIS": server, "USER_EVENTS_REDIS": server });
        // The name of the installation is the address of one instance, so that its realm can be reached.
        let port = Port::reserve()?;
        let start = |listen: Option<String>| {
            let builder = Pierhead::builder()
                .database(&database)
                .data(folder.path("shared"))
                .hostname(&port.address())
                .config(config.clone())
                .env("LOGGING_LEVEL", "DEBUG");
            match listen {
                Some(address) => builder.listen(Some(&address)),
                None => builder,
            }
            .start()
        };
        let one = start(Some(port.address())).await?;
        let two = start(None).await?;
        let owner = one.initialize("devel").await?;
        Ok(Self {
            one,
            two,
            redis,
            proxy,
            owner,
            _folder: folder,
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_redis_instances_hear_each_other_and_its_absence_stops_nothing() {
    let mut site = Instances::start().await.unwrap();
    let browser = session(&site.one, &site.owner).await.unwrap();
    let mut here = browser.events(CLIENT_EVENTS).await.unwrap();
    let elsewhere = session(&site.two, &site.owner).await.unwrap();
    let mut there = elsewhere.events(CLIENT_EVENTS).await.unwrap();

    let client = Client::new(&site.two, Some(&site.owner));
    let image = Image::build(8, &[500]);
    client.push_image("devel/app", "v1", &image).await.unwrap();
    // The token is from one instance and the manifest was pushed to the other: each tells what it did when it is ready.
    for stream in [&mut here, &mut there] {
        let (mut started, mut done) = (false, false);
        while !(started && done) {
            let heard = next(stream).await;
            started |= heard == event("push_start", "devel", "app");
            done |= heard == event("push_repo", "devel", "app");
        }
    }
    // As Quay would tell it.
    let channel = "user/devel/events/docker-cli";
    let payload = r#"{"action": "push_start", "namespace": "devel", "repository": "quay"}"#;
    let receivers = site.redis.send(&["PUBLISH", channel, payload]).await;
    assert_eq!(receivers.unwrap(), ":2", "one connection for each instance");
    for stream in [&mut here, &mut there] {
        let told = event("push_start", "devel", "quay");
        while next(stream).await != told {}
    }
    eventually("the health check to find Redis", || async {
        let health = client.send("GET", "/health/endtoend").await?;
        Ok((health.json()?["data"]["services"]["redis"] == true).then_some(()))
    })
    .await
    .unwrap();

    site.proxy.cut();
    // Requests neither fail nor wait.
    client.forget_tokens();
    for _ in 0..5 {
        let pulled = client.get_manifest("devel/app", "v1").await.unwrap();
        assert_eq!(pulled.bytes, image.manifest.bytes);
    }
    eventually("lost events to be counted", || async {
        client.get_manifest("devel/app", "v1").await?;
        let lost = site.two.metrics().await?;
        let lost = lost.sum("pierhead_user_events_dropped_total", &[]);
        Ok((lost > Some(0.0)).then_some(()))
    })
    .await
    .unwrap();
    eventually("the health check to notice", || async {
        let health = client.send("GET", "/health/endtoend").await?;
        let services = health.json()?["data"]["services"].clone();
        Ok((health.status == 503 && services["redis"] == false).then_some(()))
    })
    .await
    .unwrap();
    let answer = elsewhere.get(CLIENT_EVENTS).await.unwrap();
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);

    site.proxy.restore();
    eventually("the health check to be content", || async {
        let health = client.send("GET", "/health/endtoend").await?;
        Ok((health.status == 200).then_some(()))
    })
    .await
    .unwrap();
    // Streams that were open all the time hear again, once both ways are made anew.
    let heard = async {
        until(&mut here, "delete_tag").await?;
        until(&mut there, "delete_tag").await
    };
    let done = tokio::sync::Notify::new();
    let deleting = async {
        loop {
            let tagged = client.push_image("devel/app", "again", &image).await;
            tagged.unwrap();
            client
                .manifest("DELETE", "devel/app", "again")
                .await
                .unwrap();
            let finished = tokio::time::timeout(Duration::from_millis(200), done.notified());
            if finished.await.is_ok() {
                return;
            }
        }
    };
    let heard = async {
        let heard = heard.await;
        done.notify_one();
        heard
    };
    let (heard, ()) = tokio::join!(heard, deleting);
    heard.unwrap();

    // A session that is ended at one instance ends its streams at all, a little later at the others.
    let answer = elsewhere.post("/api/v1/signout", json!({})).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    end(there).await;
    end(here).await;
    site.one.stop().await.unwrap();
    site.two.stop().await.unwrap();
    for log in [site.one.log(), site.two.log()] {
        assert!(log.contains("user events"), "{log}");
        assert!(
            !log.contains(PASSWORD) && !log.contains("drain deadline"),
            "{log}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_with_tls_is_trusted_like_every_other_server_or_not_at_all() {
    let (certificate, key) = crate::tls::certificate();
    let redis = Redis::start_with(RedisOptions {
        password: None,
        tls: Some((certificate.clone(), key)),
    })
    .await
    .unwrap();
    let server = json!({ "host": "127.0.0.1", "port": redis.port(), "ssl": true });
    let describe = |server: &Value| {
        let config = json!({ "BUILDLOGS_REDIS": server, "USER_EVENTS_REDIS": server });
        Pierhead::builder().config(config)
    };
    let health = async |server: &Pierhead| {
        let answer = server.anonymous().get("/health/endtoend").await.unwrap();
        answer.json().unwrap()["data"]["services"]["redis"].clone()
    };
    // An authority of the installation, and one that is named for this server alone.
    let installed = describe(&server).file("extra_ca_cert_redis", certificate.clone());
    let mut named = server.clone();
    named["ssl_ca_data"] = json!(certificate);
    for described in [installed, describe(&named)] {
        let mut running = described.start().await.unwrap();
        eventually("the health check to find Redis", || async {
            Ok((health(&running).await == true).then_some(()))
        })
        .await
        .unwrap();
        let owner = running.initialize("devel").await.unwrap();
        let browser = session(&running, &owner).await.unwrap();
        let mut stream = browser.events(CLIENT_EVENTS).await.unwrap();
        Client::new(&running, Some(&owner))
            .token(&[])
            .await
            .unwrap();
        assert_eq!(next(&mut stream).await, login());
        running.stop().await.unwrap();
    }
    let mut untrusted = describe(&server).start().await.unwrap();
    assert_eq!(health(&untrusted).await, false);
    untrusted.stop().await.unwrap();

    let mut missing = server;
    missing["ssl_ca_certs"] = json!("/no/such/file.pem");
    let refused = describe(&missing).start().await.unwrap_err().to_string();
    let reason = "USER_EVENTS_REDIS.ssl_ca_certs: cannot read /no/such/file.pem";
    assert!(refused.contains(reason), "{refused}");
}
