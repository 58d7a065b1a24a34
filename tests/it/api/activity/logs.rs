//! Audit logs.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;

use pierhead_testkit::ApiClient;

use super::{Engine, Result, Value, json, json_of, kinds, refusal, start};

const LOGS: &str = "/api/v1/repository/devel/app/logs";
const HOOKS: &str = "/api/v1/repository/devel/app/notification/";

/// Makes that many rows in the log of `devel/app`.
async fn act(devel: &ApiClient, times: usize) -> Result<()> {
    for _ in 0..times {
        let hook = json!({
            "event": "repo_push", "method": "slack", "config": { "url": "http://slack.example" }, "eventConfig": {},
        });
        json_of(devel.post(HOOKS, hook).await?, 201)?;
    }
    Ok(())
}

/// Every row of a log, page by page.
async fn all(client: &ApiClient, path: &str) -> Result<Vec<Value>> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let mut rows = Vec::new();
    let mut next = path.to_owned();
    loop {
        let page = json_of(client.get(&next).await?, 200)?;
        rows.extend(page["logs"].as_array().unwrap().iter().cloned());
        let Some(token) = page["next_page"].as_str() else {
            return Ok(rows);
        };
        assert_eq!(page["logs"].as_array().unwrap().len(), 20);
        next = format!("{path}{separator}next_page={token}");
    }
}

async fn logs_are_read_page_by_page_and_counted(engine: Engine) -> Result<()> {
    let (server, devel) = start(engine, json!({})).await?;
    act(&devel, 45).await?;
    let page = json_of(devel.get(LOGS).await?, 200)?;
    let newest = &page["logs"][0];
    let (id, when) = (&newest["metadata"]["notification_id"], &newest["datetime"]);
    assert_eq!(
        *newest,
        json!({
            "kind": "add_repo_notification",
            "metadata": {
                "repo": "app", "namespace": "devel", "notification_id": id, "event": "repo_push", "method": "slack",
                "oauth_token_id": 1, "oauth_token_application_id": "devel", "oauth_token_application": "automation",
            },
            "ip": "127.0.0.1", "datetime": when,
            "performer": {
                "kind": "user", "name": "devel", "is_robot": false, "avatar": newest["performer"]["avatar"],
            },
        })
    );
    assert_eq!(newest["performer"]["avatar"]["kind"], "user");
    assert!(when.as_str().unwrap().ends_with(" -0000"), "{when}");

    let rows = all(&devel, LOGS).await?;
    assert_eq!(rows.len(), 46);
    assert_eq!(rows[45]["kind"], "create_repo");
    let ids: std::collections::HashSet<String> =
        rows.iter().map(|row| row["metadata"].to_string()).collect();
    assert_eq!(ids.len(), 46, "a row came twice");
    // One statement for a page, however long the log is.
    let first = async || json_of(devel.get(LOGS).await?, 200);
    assert!(server.statements_when_warm(first).await? <= 3);
    // A token that was not given out begins at the start.
    let forged = json_of(devel.get(&format!("{LOGS}?next_page=forged")).await?, 200)?;
    assert_eq!(forged["logs"], page["logs"]);

    // The namespace's log has the repository's rows, without those about service keys.
    let own = all(&devel, "/api/v1/user/logs").await?;
    assert!(own.len() >= 46);
    assert!(own.iter().all(|row| row.get("namespace").is_none()));
    // A person's namespace may be asked for like an organization.
    assert_eq!(all(&devel, "/api/v1/organization/devel/logs").await?, own);
    let nowhere = devel.get("/api/v1/organization/nowhere/logs").await?;
    assert_eq!(nowhere.status, 403);
    let by_devel = all(&devel, "/api/v1/user/logs?performer=devel").await?;
    assert_eq!(by_devel.len(), 45);
    assert!(
        all(&devel, "/api/v1/user/logs?performer=nobody")
            .await?
            .is_empty()
    );
    let everything = json_of(devel.get("/api/v1/superuser/logs").await?, 200)?;
    let namespace = &everything["logs"][0]["namespace"];
    assert_eq!(
        (&namespace["kind"], &namespace["name"]),
        (&json!("user"), &json!("devel"))
    );

    let aggregated = json_of(
        devel
            .get("/api/v1/repository/devel/app/aggregatelogs")
            .await?,
        200,
    )?;
    let count = |kind: &str| -> i64 {
        let counts = aggregated["aggregated"].as_array().unwrap().iter();
        counts
            .filter(|count| count["kind"] == kind)
            .map(|count| count["count"].as_i64().unwrap())
            .sum()
    };
    assert_eq!(
        (count("add_repo_notification"), count("create_repo")),
        (45, 1)
    );
    for path in [
        "/api/v1/user/aggregatelogs",
        "/api/v1/superuser/aggregatelogs",
    ] {
        let counted = json_of(devel.get(path).await?, 200)?;
        let first = &counted["aggregated"][0];
        assert!(
            first["datetime"].as_str().unwrap().contains(" 00:00:00 "),
            "{first}"
        );
    }

    let old = "starttime=01/01/2020&endtime=01/02/2020";
    let page = json_of(devel.get(&format!("{LOGS}?{old}")).await?, 200)?;
    assert_eq!(
        page,
        json!({
            "start_time": "Wed, 01 Jan 2020 00:00:00 -0000", "end_time": "Fri, 03 Jan 2020 00:00:00 -0000",
            "logs": [],
        })
    );
    let reversed = devel
        .get(&format!("{LOGS}?starttime=01/05/2020&endtime=01/01/2020"))
        .await?;
    assert!(json_of(reversed, 400)?["message"].is_string());
    let long = devel
        .get("/api/v1/user/aggregatelogs?starttime=01/01/2020&endtime=03/01/2020")
        .await?;
    assert_eq!(
        json_of(long, 400)?,
        json!({ "message": "Invalid date range for logs" })
    );

    let nobody = server.anonymous();
    for path in [
        LOGS,
        "/api/v1/user/logs",
        "/api/v1/superuser/logs",
        "/api/v1/organization/acme/logs",
    ] {
        refusal(nobody.get(path).await?, 401, "invalid_token")?;
    }
    refusal(
        devel.get("/api/v1/repository/devel/none/logs").await?,
        404,
        "not_found",
    )?;
    Ok(())
}

/// Takes one call on a port of its own and answers with 200; gives the body.
fn callback() -> (String, std::thread::JoinHandle<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/done", listener.local_addr().unwrap());
    let called = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let line = line.trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        reader.into_inner().write_all(answer.as_bytes()).unwrap();
        serde_json::from_slice(&body).unwrap()
    });
    (url, called)
}

async fn a_log_is_exported_and_fetched(engine: Engine) -> Result<()> {
    let settings = json!({
        "SSRF_ALLOWED_HOSTS": ["127.0.0.1/32"], "EXPORT_ACTION_LOGS_WORKER_POLL_PERIOD": 1,
    });
    let (server, devel) = start(engine, settings).await?;
    act(&devel, 3).await?;
    let export = "/api/v1/repository/devel/app/exportlogs";
    for (wrong, text) in [
        (
            json!({ "callback_url": "http://10.0.0.1/done" }),
            "Invalid callback URL",
        ),
        (
            json!({ "callback_url": "http://192.168.1.1/" }),
            "Invalid callback URL",
        ),
        (
            json!({ "callback_email": "devel" }),
            "Invalid callback e-mail",
        ),
    ] {
        let answer = devel.post(export, wrong).await?;
        assert_eq!(refusal(answer, 400, "invalid_request")?, text);
    }
    for wrong in [
        json!({ "callback_url": "gopher://here" }),
        json!({ "callback_url": null }),
        json!([]),
    ] {
        refusal(devel.post(export, wrong).await?, 400, "invalid_request")?;
    }
    let reversed = format!("{export}?starttime=01/05/2020&endtime=01/01/2020");
    let answer = devel.post(&reversed, json!({})).await?;
    assert_eq!(
        refusal(answer, 400, "invalid_request")?,
        "Invalid time span selected"
    );

    let (url, called) = callback();
    let queued = json_of(
        devel.post(export, json!({ "callback_url": url })).await?,
        200,
    )?;
    let told = tokio::task::spawn_blocking(|| called.join().unwrap())
        .await
        .unwrap();
    assert_eq!(told["export_id"], queued["export_id"]);
    assert_eq!(
        (&told["status"], &told["namespace"], &told["repository"]),
        (&json!("success"), &json!("devel"), &json!("app"))
    );
    let file = told["exported_data_url"].as_str().unwrap();
    let path = &file[file.find("/exportedlogs/").unwrap()..];
    let nobody = server.anonymous();
    let exported = json_of(nobody.get(path).await?, 200)?;
    assert_eq!(exported["export_id"], queued["export_id"]);
    let rows = exported["logs"].as_array().unwrap();
    assert_eq!(rows.len(), 5);
    assert_eq!(rows[0]["kind"], "create_repo");
    assert_eq!(rows[3]["performer"]["name"], "devel");
    assert_eq!(rows[4], json!({ "terminator": true }));
    for path in ["/exportedlogs/none", "/exportedlogs/..%2F..%2Fetc%2Fpasswd"] {
        assert_eq!(nobody.get(path).await?.status, 404, "{path}");
    }

    let log = kinds(&devel, "/api/v1/user/logs").await?;
    assert_eq!(log[0], "export_logs_success");
    let failures = log
        .iter()
        .filter(|kind| *kind == "export_logs_failure")
        .count();
    assert_eq!(failures, 5);

    // So does what is asked for by somebody who may not, or of a repository that is not there.
    let gone = "/api/v1/repository/devel/gone/exportlogs";
    let answer = devel.post(gone, json!({ "callback_email": "a@b" })).await?;
    refusal(answer, 404, "not_found")?;
    let ann = server.create_user("ann")?;
    let ann = server.signed_in("ann", ann.password()).await?;
    let own = "/api/v1/organization/devel/exportlogs";
    refusal(ann.post(own, json!({})).await?, 403, "insufficient_scope")?;
    let rows = json_of(devel.get("/api/v1/user/logs").await?, 200)?;
    let told: Vec<Value> = (rows["logs"].as_array().unwrap().iter().take(2))
        .map(|row| {
            let metadata = &row["metadata"];
            json!([
                row["kind"],
                metadata["error"],
                metadata["email"],
                metadata["repo"]
            ])
        })
        .collect();
    assert_eq!(
        told,
        [
            json!(["export_logs_failure", "unauthorized", null, null]),
            json!([
                "export_logs_failure",
                "non-existent repository",
                "a@b",
                "gone"
            ]),
        ]
    );
    refusal(nobody.get("/api/v1/user/logs").await?, 401, "invalid_token")?;
    Ok(())
}

on_engines! {
    logs_are_read_page_by_page_and_counted
    a_log_is_exported_and_fetched
}
