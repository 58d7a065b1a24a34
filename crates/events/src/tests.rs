//! Both ways of events, against a real Redis where there is one.
#![allow(clippy::unwrap_used)]

use pierhead_oci::{NameRules, RepositoryName};
use pierhead_redis::{Redis, RedisSettings};
use pierhead_testkit::{Proxy, Redis as Server, eventually};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::{
    MOST_LISTENERS, MOST_LISTENERS_OF_ONE, MOST_NAMES, SubscribeError, Subscription, UserEvent,
    UserEvents,
};

const CLIENT: &[&str] = &["docker-cli"];

fn event(action: &'static str) -> UserEvent {
    let name = RepositoryName::parse("acme/web", &NameRules::default()).unwrap();
    UserEvent::Client {
        action,
        repository: Some(name),
    }
}

/// Name and content of the next event.
async fn next(subscription: &mut Subscription) -> (String, Value) {
    let message = subscription.next().await.unwrap();
    (message.event.to_string(), (*message.data).clone())
}

fn client(action: &str) -> (String, Value) {
    let data = json!({ "action": action, "namespace": "acme", "repository": "web" });
    ("docker-cli".to_owned(), data)
}

/// An instance that reaches Redis at this port.
fn instance(port: u16) -> (UserEvents, TaskTracker, CancellationToken) {
    let redis = Redis::new(&RedisSettings {
        host: "127.0.0.1".to_owned(),
        port,
        username: None,
        password: None,
        db: 0,
        tls: None,
    });
    let stop = CancellationToken::new();
    let (events, workers) = UserEvents::over(redis.unwrap(), &stop);
    (events, workers, stop)
}

#[tokio::test]
async fn in_one_process_a_person_hears_what_was_asked_for_and_nothing_else() {
    let events = UserEvents::in_process();
    assert!(!events.is_heard());
    events.publish("ann", event("unheard"));
    let mut ann = events
        .subscribe("ann", &["docker-cli", "test"])
        .await
        .unwrap();
    let mut again = events.subscribe("ann", CLIENT).await.unwrap();
    let mut bob = events.subscribe("bob", CLIENT).await.unwrap();
    assert!(events.is_heard());
    events.publish("ann", event("push_start"));
    events.publish("ann", UserEvent::Test);
    events.publish("bob", event("pull_start"));
    assert_eq!(next(&mut ann).await, client("push_start"));
    assert_eq!(
        next(&mut ann).await,
        ("test".to_owned(), json!({ "foo": 2 }))
    );
    assert_eq!(next(&mut again).await, client("push_start"));
    assert_eq!(next(&mut bob).await, client("pull_start"));
    assert_eq!(events.subscriptions(), 3);
    drop((ann, again, bob));
    assert_eq!(events.subscriptions(), 0);
    assert!(!events.is_heard());
}

#[tokio::test]
async fn listeners_are_bounded_by_person_in_all_and_by_names() {
    let events = UserEvents::in_process();
    let names: Vec<String> = (0..=MOST_NAMES).map(|name| name.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let refused = |outcome: Result<Subscription, SubscribeError>| outcome.err();
    assert_eq!(
        refused(events.subscribe("ann", &names).await),
        Some(SubscribeError::Names)
    );
    assert_eq!(
        refused(events.subscribe("ann", &["x".repeat(256).as_str()]).await),
        Some(SubscribeError::Names)
    );
    events.subscribe("ann", &names[1..]).await.unwrap();
    let mut open = Vec::new();
    for number in 0..MOST_LISTENERS {
        let person = format!("user{}", number / MOST_LISTENERS_OF_ONE);
        open.push(events.subscribe(&person, CLIENT).await.unwrap());
    }
    assert_eq!(
        refused(events.subscribe("user0", CLIENT).await),
        Some(SubscribeError::TooManyOfOne)
    );
    assert_eq!(
        refused(events.subscribe("ann", CLIENT).await),
        Some(SubscribeError::TooMany)
    );
    open.remove(0);
    events.subscribe("ann", CLIENT).await.unwrap();
    events.subscribe("user0", CLIENT).await.unwrap();
}

#[tokio::test]
async fn a_listener_that_does_not_keep_up_ends_and_others_go_on() {
    let events = UserEvents::in_process();
    let mut slow = events
        .subscribe("ann", &["docker-cli", "test"])
        .await
        .unwrap();
    let mut quick = events.subscribe("ann", CLIENT).await.unwrap();
    for _ in 0..100 {
        events.publish("ann", event("pull_repo"));
        assert_eq!(next(&mut quick).await, client("pull_repo"));
    }
    let mut kept = 0;
    while let Some(message) = slow.next().await {
        assert_eq!(&*message.event, "docker-cli");
        kept += 1;
    }
    assert_eq!(kept, 64);
    // The end is not undone, by whatever name an event comes.
    events.publish("ann", UserEvent::Test);
    assert_eq!(slow.next().await, None);
}

#[tokio::test]
async fn a_stop_ends_every_listener_at_once_and_lets_nobody_in() {
    let events = UserEvents::in_process();
    let mut ann = events.subscribe("ann", CLIENT).await.unwrap();
    events.publish("ann", event("pull_repo"));
    events.end_subscriptions();
    assert_eq!(ann.next().await, None);
    assert_eq!(
        events.subscribe("ann", CLIENT).await.err(),
        Some(SubscribeError::Stopping)
    );
}

#[tokio::test]
async fn through_redis_every_instance_and_quay_hear_each_other() {
    let server = Server::start().await.unwrap();
    let (one, one_workers, stop_one) = instance(server.port());
    let (two, two_workers, stop_two) = instance(server.port());
    let mut here = one.subscribe("ann", CLIENT).await.unwrap();
    let mut there = two.subscribe("ann", &["docker-cli", "test"]).await.unwrap();
    one.publish("ann", event("push_repo"));
    assert_eq!(next(&mut here).await, client("push_repo"));
    assert_eq!(next(&mut there).await, client("push_repo"));
    // Names that come and go while the connection stays.
    let mut later = one.subscribe("bob", CLIENT).await.unwrap();
    drop(here);
    two.publish("bob", event("pull_repo"));
    assert_eq!(next(&mut later).await, client("pull_repo"));
    // As Quay publishes, with what it leaves out.
    for payload in ["{}", "no json", r#"{"action": "login"}"#] {
        let channel = "user/ann/events/docker-cli";
        let answer = server.send(&["PUBLISH", channel, payload]).await.unwrap();
        assert_eq!(answer, ":1", "one instance listens");
    }
    assert_eq!(
        next(&mut there).await,
        ("docker-cli".to_owned(), json!({ "action": "login" }))
    );
    // When nobody listens, nothing does.
    drop((there, later));
    eventually("the connections that listen to be closed", || async {
        let channels = server.send(&["PUBSUB", "CHANNELS"]).await?;
        Ok((channels == "*0").then_some(()))
    })
    .await
    .unwrap();
    one.publish("ann", event("last"));
    stop_one.cancel();
    stop_two.cancel();
    one_workers.wait().await;
    two_workers.wait().await;
    assert_eq!((one.dropped(), two.dropped()), (0, 0));
}

#[tokio::test]
async fn while_redis_is_away_events_are_dropped_and_counted_and_listeners_wait() {
    let server = Server::start().await.unwrap();
    let proxy = Proxy::start(server.port()).await.unwrap();
    let (events, workers, stop) = instance(proxy.port());
    let mut ann = events.subscribe("ann", CLIENT).await.unwrap();
    proxy.cut();
    eventually("an event to be dropped", || async {
        events.publish("ann", event("lost"));
        Ok((events.dropped() > 0).then_some(()))
    })
    .await
    .unwrap();
    assert_eq!(
        events.subscribe("bob", CLIENT).await.err(),
        Some(SubscribeError::Unreachable)
    );
    proxy.restore();
    let mut bob = eventually("somebody to be let in again", || async {
        Ok(events.subscribe("bob", CLIENT).await.ok())
    })
    .await
    .unwrap();
    // The way there may take a moment longer.
    loop {
        events.publish("bob", event("found"));
        let waited = tokio::time::timeout(std::time::Duration::from_millis(200), next(&mut bob));
        if let Ok(message) = waited.await {
            assert_eq!(message, client("found"));
            break;
        }
    }
    // Whoever listened all the time hears again.
    events.publish("ann", event("found"));
    loop {
        let message = next(&mut ann).await;
        if message == client("found") {
            break;
        }
        assert_eq!(message, client("lost"));
    }
    stop.cancel();
    workers.wait().await;
}
