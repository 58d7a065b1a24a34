//! `GET /v2/`.

use crate::site::{Caller, Settings};

/// The status of the ping for a client that calls itself this.
async fn status_for(caller: &Caller<'_>, agent: &str) -> u16 {
    let headers = [("user-agent", agent)];
    caller
        .call("GET", "/v2/", &headers, "")
        .await
        .status
        .as_u16()
}

on_both_engines! {
    // config.md §3, BLACKLIST_V2_SPEC; only the ping looks at it.
    fn a_docker_of_a_refused_version_does_not_find_the_registry(site) {
        let agents = ["docker/1.5.9 go/go1.4", "docker/1.9.1", "docker/20.10.7", "Go 1.1 package http", "skopeo/1.5.0", ""];
        for (spec, expected) in [
            (Some("<1.6.0"), [404, 401, 401, 404, 401, 401]),
            (Some(">=1.9,<17,!=1.9.0"), [401, 404, 401, 401, 401, 401]),
            (Some("*"), [404, 404, 404, 404, 401, 401]),
            (None, [401; 6]),
        ] {
            let change = |settings: &mut Settings| settings.registry.refused_docker = spec.map(|spec| spec.parse().unwrap());
            let site = site.again(change).await;
            for (agent, expected) in agents.iter().zip(expected) {
                assert_eq!(status_for(&site.anonymous(), agent).await, expected, "{spec:?} {agent}");
            }
            let headers = [("user-agent", "docker/1.5.9")];
            let token = "/v2/auth?service=registry.test&scope=repository:ann/app:pull";
            site.anonymous().call("GET", token, &headers, "").await.expect(200);
        }
    }
}
