//! Against a real server.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use pierhead_config::Secret;
use pierhead_testkit::{Redis as Server, RedisOptions};

use crate::{Error, Message, Redis, RedisSettings, RedisTls, SetupError, Verify};

/// Longer than a busy machine needs.
const LIMIT: Duration = Duration::from_secs(30);
const PASSWORD: &str = "a secret that no log may hold";

fn settings(port: u16) -> RedisSettings {
    RedisSettings {
        host: "127.0.0.1".to_owned(),
        port,
        username: None,
        password: None,
        db: 0,
        tls: None,
    }
}

fn redis(settings: &RedisSettings) -> Redis {
    Redis::new(settings).unwrap()
}

#[tokio::test]
async fn what_is_published_is_heard_in_order_by_who_subscribed() {
    let server = Server::start().await.unwrap();
    let redis = redis(&settings(server.port()));
    let mut subscriber = redis.subscriber(LIMIT).await.unwrap();
    // A server answers a ping in another form before the first subscription than after it.
    subscriber.ping().await.unwrap();
    subscriber.subscribe(&["a", "b"]).await.unwrap();
    subscriber.ping().await.unwrap();
    let mut commands = redis.commands(LIMIT).await.unwrap();
    let send = |channel: &str, payload: &str| (channel.to_owned(), payload.to_owned());
    let messages = [send("a", "1"), send("c", "2"), send("b", "3")];
    commands.publish(&messages).await.unwrap();
    let heard = |channel: &str, payload: &str| Message {
        channel: channel.to_owned(),
        payload: payload.as_bytes().to_vec(),
    };
    assert_eq!(subscriber.next().await.unwrap(), heard("a", "1"));
    assert_eq!(subscriber.next().await.unwrap(), heard("b", "3"));
    subscriber.unsubscribe(&["a"]).await.unwrap();
    commands
        .publish(&[send("a", "4"), send("b", "5")])
        .await
        .unwrap();
    assert_eq!(subscriber.next().await.unwrap(), heard("b", "5"));
    drop(server);
    assert!(matches!(
        subscriber.next().await.unwrap_err(),
        Error::Closed { .. }
    ));
    commands.ping().await.unwrap_err();
}

#[tokio::test]
async fn a_password_and_a_database_are_used_and_never_told() {
    let options = RedisOptions {
        password: Some(PASSWORD.to_owned()),
        ..RedisOptions::default()
    };
    let server = Server::start_with(options).await.unwrap();
    let mut settings = settings(server.port());
    let refused = redis(&settings).check(LIMIT).await.unwrap_err();
    assert!(refused.to_string().contains("NOAUTH"), "{refused}");
    settings.password = Some(Secret::new("wrong words"));
    let refused = redis(&settings).check(LIMIT).await.unwrap_err();
    let told = format!("{refused} {refused:?} {settings:?} {:?}", redis(&settings));
    assert!(
        told.contains("authentication failed") && !told.contains("wrong words"),
        "{told}"
    );
    settings.password = Some(Secret::new(PASSWORD));
    settings.db = 3;
    redis(&settings).check(LIMIT).await.unwrap();
    // The key of the check is where the settings say.
    assert_eq!(server.send(&["EXISTS", "_health"]).await.unwrap(), ":0");
    settings.db = 0;
    redis(&settings).check(LIMIT).await.unwrap();
    assert_eq!(server.send(&["EXISTS", "_health"]).await.unwrap(), ":1");
}

#[tokio::test]
async fn who_does_not_answer_is_not_waited_for() {
    // Accepts connections and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let error = redis(&settings(port))
        .check(Duration::from_millis(500))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("127.0.0.1:{port} did not answer within 500 ms")
    );
    drop(silent);
    let error = redis(&settings(port)).check(LIMIT).await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error}");
}

#[tokio::test]
async fn a_certificate_is_checked_as_far_as_the_settings_say() {
    let made = |name: &str| {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    };
    let (certificate, key) = made("127.0.0.1");
    let (elsewhere, elsewhere_key) = made("redis.example.com");
    let start = |tls| {
        Server::start_with(RedisOptions {
            tls: Some(tls),
            password: None,
        })
    };
    let here = start((certificate.clone(), key)).await.unwrap();
    let there = start((elsewhere.clone(), elsewhere_key)).await.unwrap();
    let check = async |server: &Server, tls: RedisTls| {
        let settings = RedisSettings {
            tls: Some(tls),
            ..settings(server.port())
        };
        redis(&settings).check(LIMIT).await
    };
    let trusting = |pem: &str, verify| RedisTls {
        verify,
        ca_data: Some(pem.to_owned()),
        ..RedisTls::default()
    };
    check(&here, trusting(&certificate, Verify::Name))
        .await
        .unwrap();
    let error = check(&here, trusting(&elsewhere, Verify::Name)).await;
    assert!(matches!(error, Err(Error::Tls { .. })), "{error:?}");
    let error = check(&here, trusting(&elsewhere, Verify::Authority)).await;
    assert!(matches!(error, Err(Error::Tls { .. })), "{error:?}");
    let error = check(&there, trusting(&elsewhere, Verify::Name)).await;
    assert!(matches!(error, Err(Error::Tls { .. })), "{error:?}");
    check(&there, trusting(&elsewhere, Verify::Authority))
        .await
        .unwrap();
    let anything = RedisTls {
        verify: Verify::Nothing,
        ..RedisTls::default()
    };
    check(&there, anything).await.unwrap();
    let error = redis(&settings(here.port())).check(LIMIT).await;
    assert!(error.is_err(), "a server that speaks TLS answered without");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "no certificate").unwrap();
    let missing = folder.path().join("missing.pem");
    let refused = |tls: RedisTls| {
        let settings = RedisSettings {
            tls: Some(tls),
            ..settings(6379)
        };
        Redis::new(&settings).unwrap_err().to_string()
    };
    let told = refused(RedisTls {
        ca_file: Some(missing.clone()),
        ..RedisTls::default()
    });
    assert!(told.starts_with("ssl_ca_certs: cannot read"), "{told}");
    assert!(told.contains("missing.pem"), "{told}");
    let told = refused(RedisTls {
        verify: Verify::Nothing,
        certificate_file: Some(empty),
        ..RedisTls::default()
    });
    assert!(
        told.starts_with("ssl_certfile: ") && told.contains("no certificate"),
        "{told}"
    );
    let settings = RedisSettings {
        host: "not a name".to_owned(),
        tls: Some(RedisTls {
            verify: Verify::Nothing,
            ..RedisTls::default()
        }),
        ..settings(6379)
    };
    assert!(matches!(
        Redis::new(&settings).unwrap_err(),
        SetupError::Host { .. }
    ));
}
