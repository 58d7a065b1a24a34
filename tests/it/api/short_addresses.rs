//! What every site is asked for by browsers and crawlers, and the short addresses of namespaces and repositories.

use pierhead_testkit::{ApiClient, Engine, Pierhead, Response, Result};
use reqwest::Method;
use serde_json::json;

const PASSWORD: &str = "correct-horse-battery-staple";

/// Status and where to.
async fn led(client: &ApiClient, path: &str) -> Result<(u16, String)> {
    let answer = client.get(path).await?;
    Ok((answer.status.as_u16(), header(&answer, "location")))
}

fn header(answer: &Response, name: &str) -> String {
    let value = answer.headers.get(name);
    value.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
}

async fn short_addresses_lead_to_pages(engine: Engine) -> Result<()> {
    let server = Pierhead::builder()
        .engine(engine)
        .config(json!({ "TESTING": false }))
        .start()
        .await?;
    let devel = server.initialize("devel").await?;
    let ann = server.create_user("ann")?;
    server.create_organization("acme", &devel)?;
    for (name, visibility) in [
        ("acme/site", "public"),
        ("acme/team/app", "private"),
        ("devel/own", "private"),
    ] {
        server.create_repository(name, visibility)?;
    }
    server.create_robot("devel+ci")?;
    let nobody = server.anonymous();
    let owner = server.signed_in("devel", devel.password()).await?;
    let stranger = server.signed_in("ann", ann.password()).await?;

    for (path, status, target) in [
        ("/acme", 302, "/organization/acme/"),
        ("/acme/", 302, "/organization/acme/"),
        ("/devel", 302, "/user/devel/"),
        ("/nowhere", 404, ""),
        ("/devel+ci", 404, ""),
        ("/A", 404, ""),
        (
            "/acme/site",
            302,
            "/repository/acme/site?tab=tags&tag=latest",
        ),
        (
            "/acme/site/",
            302,
            "/repository/acme/site?tab=tags&tag=latest",
        ),
        (
            "/acme/site:v1.0",
            302,
            "/repository/acme/site?tab=tags&tag=v1.0",
        ),
        (
            "/acme/site:a%26b%0d",
            302,
            "/repository/acme/site?tab=tags&tag=a%26b%0D",
        ),
        // Whether there is such a repository is not told to a stranger.
        ("/acme/team/app", 403, ""),
        ("/acme/none", 403, ""),
        ("/devel/own", 403, ""),
        ("/nowhere/app", 404, ""),
        ("/acme/Bad", 404, ""),
    ] {
        for client in [&nobody, &stranger] {
            let expected = (status, target.to_owned());
            assert_eq!(led(client, path).await?, expected, "{path}");
        }
    }
    for (path, status, target) in [
        (
            "/acme/team/app:v1",
            302,
            "/repository/acme/team/app?tab=tags&tag=v1",
        ),
        (
            "/devel/own",
            302,
            "/repository/devel/own?tab=tags&tag=latest",
        ),
        ("/acme/none", 404, ""),
        ("/devel/none", 404, ""),
        ("/ann/none", 403, ""),
    ] {
        assert_eq!(
            led(&owner, path).await?,
            (status, target.to_owned()),
            "{path}"
        );
    }
    // Programs get JSON, browsers a page; neither is kept.
    let refused = nobody.get("/acme/none").await?;
    assert_eq!(refused.json()?, json!({ "error": "Forbidden" }));
    assert!(header(&refused, "cache-control").contains("no-store"));
    let browser = nobody
        .request(Method::GET, "/acme/none")
        .header("accept", "text/html");
    let page = nobody.send(browser).await?;
    assert_eq!(page.status, 403);
    assert!(page.text().contains("You may not see"), "{}", page.text());
    // Where the console will be there is a page.
    for path in [
        "/repository/acme/site?tab=tags",
        "/organization/acme/",
        "/user/devel/",
        "/search?q=app",
        "/signin/",
    ] {
        let page = nobody.get(path).await?;
        assert_eq!(page.status, 200, "{path}");
        assert!(
            header(&page, "content-type").starts_with("text/html"),
            "{path}"
        );
    }

    // No other route is in the shadow of these, and no other method is served.
    for (method, path, status) in [
        (Method::GET, "/robots.txt", 200),
        (Method::GET, "/v2/acme", 404),
        (Method::GET, "/api/v1/nope", 404),
        (Method::GET, "/api/v1/repository/acme/site", 200),
        (Method::POST, "/acme", 404),
        (Method::DELETE, "/acme/site", 404),
        (Method::POST, "/api/v1/nope/nope", 404),
        (Method::POST, "/health/instance", 405),
        (Method::GET, "/v1/repositories/acme/site/tags", 404),
    ] {
        let answer = nobody.call(method.clone(), path, None).await?;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
    }
    Ok(())
}

async fn browsers_and_crawlers_find_what_they_ask_for(engine: Engine) -> Result<()> {
    let config = json!({ "REGISTRY_TITLE": "Tide & Co <1>", "FEATURE_ANONYMOUS_ACCESS": false });
    let server = Pierhead::builder()
        .engine(engine)
        .config(config)
        .start()
        .await?;
    let nobody = server.anonymous();
    let robots = nobody.get("/robots.txt").await?;
    assert_eq!(header(&robots, "content-type"), "text/plain");
    assert_eq!(robots.text(), "User-agent: *\nDisallow: /");
    let icon = nobody.get("/favicon.ico").await?;
    assert_eq!(
        (icon.status.as_u16(), &icon.body[..4]),
        (200, &[0, 0, 1, 0][..])
    );
    assert_eq!(header(&icon, "content-type"), "image/x-icon");
    let search = nobody.get("/opensearch.xml").await?;
    assert_eq!(header(&search, "content-type"), "application/xml");
    let text = search.text();
    assert!(
        text.contains("<ShortName>Tide &amp; Co &lt;1&gt;</ShortName>"),
        "{text}"
    );
    let template = format!(
        "template=\"http://{}/search?q={{searchTerms}}\"",
        server.host()
    );
    assert!(text.contains(&template), "{text}");
    // Where anonymous access is off, they are told nothing of namespaces.
    assert_eq!(nobody.get("/acme").await?.status, 401);

    // A description is sent once to whoever keeps it.
    for path in ["/api/v1/discovery", "/api/v1/openapi.json"] {
        let first = nobody.get(path).await?;
        let known = nobody
            .request(Method::GET, path)
            .header("if-none-match", header(&first, "etag"));
        assert_eq!(first.status, 200, "{path}");
        assert_eq!(nobody.send(known).await?.status, 304, "{path}");
    }
    let devel = server.initialize_with_token("devel", PASSWORD).await?;
    assert_eq!(
        led(&devel, "/devel").await?,
        (302, "/user/devel/".to_owned())
    );
    Ok(())
}

on_engines! {
    short_addresses_lead_to_pages
    browsers_and_crawlers_find_what_they_ask_for
}
