//! Exporting audit logs: the file, and what whoever asked is told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Json;
use axum::http::StatusCode;
use axum::routing::post;
use pierhead_client::{AddressGuard, Client, Limits};
use pierhead_config::AllowedHost;
use pierhead_jobs::log_export::{LogExport, LogExportCallbacks, Mail, Outcome};
use serde_json::{Value, json};

use crate::site::Site;

/// What the callback was told.
type Told = Arc<Mutex<Vec<Value>>>;

/// A server that is told of exports, and answers `/ok` with 200 and `/busy` with 503.
async fn callback() -> (String, Told) {
    let told = Told::default();
    let record = told.clone();
    let busy = told.clone();
    let app = Router::new()
        .route(
            "/ok",
            post(async move |Json(body): Json<Value>| {
                record.lock().unwrap().push(body);
            }),
        )
        .route(
            "/busy",
            post(async move |Json(body): Json<Value>| {
                busy.lock().unwrap().push(body);
                StatusCode::SERVICE_UNAVAILABLE
            }),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (format!("http://{address}"), told)
}

fn export(site: &Site, allowed: &[AllowedHost], mails: &Arc<Mutex<Vec<Mail>>>) -> LogExport {
    let limits = Limits {
        redirects: 0,
        ..Limits::default()
    };
    let sent = mails.clone();
    LogExport {
        db: site.db.clone(),
        storage: site.storage.clone(),
        show: Arc::new(|row| serde_json::to_string(&json!({ "id": row.id, "ip": row.ip }))),
        callbacks: LogExportCallbacks {
            client: Client::new(AddressGuard::public_only(allowed), limits).unwrap(),
            mail: Some(Arc::new(move |mail| {
                sent.lock().unwrap().push(mail);
                Box::pin(async { Ok(()) })
            })),
        },
        queue: "exportactionlogs".to_owned(),
        folder: "exportedactionlogs".to_owned(),
        base_url: "https://registry.example".to_owned(),
        every: Duration::from_hours(1),
        longest: Duration::from_mins(1),
        longest_query: Duration::from_mins(1),
    }
}

impl Site {
    /// Ann's log of 2500 rows, more than are read at once, and one of somebody else.
    async fn log(&self) {
        let kind = self.enums.log_kind("push_repo").unwrap();
        self.execute(&format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) \
             INSERT INTO logentry3 (id, kind_id, account_id, datetime, ip, metadata_json) \
             SELECT i, {kind}, 1, '2026-08-01 10:00:00', '10.0.0.1', '{{}}' FROM n"
        ))
        .await;
        self.execute(&format!(
            "INSERT INTO logentry3 (kind_id, account_id, datetime, ip, metadata_json) \
             VALUES ({kind}, 2, '2026-08-01 10:00:00', NULL, '{{}}')"
        ))
        .await;
    }

    async fn ask(&self, start: &str, callback_url: Option<&str>, callback_email: Option<&str>) {
        let body = json!({
            "export_id": "11111111-2222-3333-4444-555555555555", "repository_id": null, "namespace_id": 1,
            "namespace_name": "ann", "repository_name": null, "start_time": start, "end_time": "08/02/2026",
            "callback_url": callback_url, "callback_email": callback_email,
        });
        self.execute(&format!(
            "INSERT INTO queueitem (queue_name, body, available_after, available, retries_remaining, state_id) \
             VALUES ('exportactionlogs/ann/', '{body}', '2026-01-01 00:00:00', true, 3, 's')"
        ))
        .await;
    }

    /// The exported file that a URL names.
    fn exported(&self, url: &Value) -> Value {
        let name = url
            .as_str()
            .unwrap()
            .strip_prefix("https://registry.example/exportedlogs/")
            .unwrap();
        let text = std::fs::read_to_string(self.stored("exportedactionlogs").join(name)).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    fn exported_files(&self) -> usize {
        std::fs::read_dir(self.stored("exportedactionlogs")).map_or(0, Iterator::count)
    }
}

fn loopback() -> Vec<AllowedHost> {
    vec![AllowedHost::Network("127.0.0.1/32".parse().unwrap())]
}

#[tokio::test]
async fn a_log_is_exported_and_whoever_asked_is_told_where_it_lies() {
    let site = Site::start().await;
    site.log().await;
    let (url, told) = callback().await;
    let mails = Arc::default();
    let export = export(&site, &loopback(), &mails);
    assert!(!export.round().await.unwrap());

    let url = format!("{url}/ok");
    site.ask("08/01/2026", Some(&url), Some("ann@example.com"))
        .await;
    assert!(export.round().await.unwrap());
    assert!(!export.round().await.unwrap());
    assert_eq!(site.count("queueitem").await, 0);

    let told = told.lock().unwrap().clone();
    let [told] = told.as_slice() else {
        panic!("{told:?}")
    };
    let file = &told["exported_data_url"];
    assert_eq!(
        *told,
        json!({
            "export_id": "11111111-2222-3333-4444-555555555555", "start_time": "08/01/2026",
            "end_time": "08/02/2026", "namespace": "ann", "repository": null, "exported_data_url": file,
            "status": "success",
        })
    );
    let exported = site.exported(file);
    assert_eq!(exported["export_id"], told["export_id"]);
    assert_eq!(
        exported["details"],
        json!({
            "start_time": "Sat, 01 Aug 2026 00:00:00 -0000", "end_time": "Mon, 03 Aug 2026 00:00:00 -0000",
            "namespace": "ann", "repository": null,
        })
    );
    let logs = exported["logs"].as_array().unwrap();
    assert_eq!(logs.len(), 2501);
    for (number, row) in logs[..2500].iter().enumerate() {
        assert_eq!(*row, json!({ "id": number + 1, "ip": "10.0.0.1" }));
    }
    assert_eq!(logs[2500], json!({ "terminator": true }));
    let mails = mails.lock().unwrap();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].outcome, Outcome::Success);
    assert_eq!(mails[0].url.as_deref(), file.as_str());
}

#[tokio::test]
async fn a_callback_that_is_busy_is_called_again_later() {
    let site = Site::start().await;
    let (url, told) = callback().await;
    let export = export(&site, &loopback(), &Arc::default());
    site.ask("08/01/2026", Some(&format!("{url}/busy")), None)
        .await;
    assert!(export.round().await.is_err());
    assert_eq!(told.lock().unwrap().len(), 1);
    // It waits for its time.
    assert!(!export.round().await.unwrap());
    for _ in 0..2 {
        site.execute("UPDATE queueitem SET available_after = '2026-01-01 00:00:00'")
            .await;
        assert!(export.round().await.is_err());
    }
    // Three times are enough.
    site.execute("UPDATE queueitem SET available_after = '2026-01-01 00:00:00'")
        .await;
    assert!(!export.round().await.unwrap());
    assert_eq!(told.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn a_callback_inside_the_network_is_not_called() {
    let site = Site::start().await;
    let (url, told) = callback().await;
    let export = export(&site, &[], &Arc::default());
    site.ask("08/01/2026", Some(&format!("{url}/ok")), None)
        .await;
    assert!(export.round().await.unwrap());
    assert_eq!(site.count("queueitem").await, 0);
    assert!(told.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_export_that_takes_too_long_is_given_up() {
    let site = Site::start().await;
    site.log().await;
    let (url, told) = callback().await;
    let export = LogExport {
        longest: Duration::ZERO,
        ..export(&site, &loopback(), &Arc::default())
    };
    site.ask("08/01/2026", Some(&format!("{url}/ok")), None)
        .await;
    assert!(export.round().await.unwrap());
    let told = told.lock().unwrap().clone();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["status"], "timedout");
    assert_eq!(told[0]["exported_data_url"], Value::Null);
    assert_eq!(site.exported_files(), 0);
    assert_eq!(site.count("queueitem").await, 0);
}

#[tokio::test]
async fn a_request_without_sense_is_answered_or_dropped() {
    let site = Site::start().await;
    let (url, told) = callback().await;
    let export = export(&site, &loopback(), &Arc::default());
    site.ask("yesterday", Some(&format!("{url}/ok")), None)
        .await;
    assert!(export.round().await.unwrap());
    assert_eq!(told.lock().unwrap()[0]["status"], "invalidrequest");
    site.execute(
        "INSERT INTO queueitem (queue_name, body, available_after, available, retries_remaining, state_id) \
         VALUES ('exportactionlogs/ann/', 'no json', '2026-01-01 00:00:00', true, 3, 's')",
    )
    .await;
    assert!(export.round().await.unwrap());
    assert_eq!(site.count("queueitem").await, 0);
}
