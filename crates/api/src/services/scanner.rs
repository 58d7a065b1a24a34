//! What the security scanner tells, and how far it is (Quay's `endpoints/secscan.py`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use pierhead_auth::verify_shared_key;
use pierhead_config::Secret;
use pierhead_db::Database;
use pierhead_db::queries::queue::{self, NewItem};
use pierhead_db::queries::row_counts;
use serde_json::json;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::state::Api;

/// How often a notification is tried.
const TRIES: i32 = 5;
/// The longest id of a notification that its queue's name has room for, in bytes. Clair's are UUIDs.
const LONGEST_ID: usize = 512;
/// A count is believed for at least this.
const SHORTEST_REUSE: Duration = Duration::from_secs(10);
/// And for at most this.
const LONGEST_REUSE: Duration = Duration::from_hours(1);
/// A count is believed for as many times as long as it took: so counting takes a hundredth of one connection's time, however
/// many ask and however large the tables are.
const REUSE_FACTOR: u32 = 100;

/// Keys are padded or not.
const UNPADDED: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// Whether `Authorization` proves that the scanner sends this: always, if no key is shared with it.
pub(crate) fn is_scanner(api: &Api, authorization: &str) -> bool {
    let key = api.config().scanner.security_scanner_v4_psk.as_ref();
    let Some(key) = key.filter(|key| !key.expose().is_empty()) else {
        return true;
    };
    let Some(key) = shared_key(key) else {
        tracing::error!("SECURITY_SCANNER_V4_PSK is not a key in base64: no notification is taken");
        return false;
    };
    let Some(token) = authorization.strip_prefix("Bearer ") else {
        tracing::warn!("a notification of the security scanner came without a token");
        return false;
    };
    match verify_shared_key(token, &key, api.clock().unix()) {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(%error, "a notification of the security scanner came with a wrong token");
            false
        }
    }
}

fn shared_key(key: &Secret) -> Option<Vec<u8>> {
    let text = key.expose().trim();
    [&alphabet::STANDARD, &alphabet::URL_SAFE]
        .into_iter()
        .find_map(|alphabet| GeneralPurpose::new(alphabet, UNPADDED).decode(text).ok())
        .filter(|key| !key.is_empty())
}

/// Queues a notification for the worker that fetches it, unless it waits or is worked on already.
///
/// # Errors
/// 400 for an id that is none.
pub(crate) async fn enqueue(api: &Api, notification_id: &str) -> Result<()> {
    if notification_id.len() > LONGEST_ID || notification_id.contains('\0') {
        return Err(Error::not_understood());
    }
    let queue = &api.config().queues.secscan_v4_notification_queue_name;
    let queue_name = queue::name(queue, &["with_id", notification_id]);
    let body = json!({ "notification_id": notification_id }).to_string();
    let now = api.clock().now_naive();
    api.accounts()
        .write::<_, Error, _>(move |conn| {
            Box::pin(async move {
                if queue::is_alive(conn, &queue_name, now).await? {
                    return Ok(());
                }
                let item = NewItem {
                    queue_name: &queue_name,
                    body: &body,
                    available_after: now,
                    retries: TRIES,
                    state_id: &Uuid::new_v4().to_string(),
                };
                queue::insert(conn, &item).await?;
                Ok(())
            })
        })
        .await?;
    Ok(())
}

/// How many of the manifests a scanner has looked at, with the last count.
#[derive(Debug, Default)]
pub(crate) struct Backfill {
    /// Held while a count runs, by the task that runs it: who comes meanwhile waits for it, and who goes away does not end it.
    last: Arc<Mutex<Option<Counted>>>,
}

#[derive(Clone, Copy, Debug)]
struct Counted {
    percent: f64,
    until: Instant,
}

impl Backfill {
    /// In percent, rounded to two digits; 100 if there are no manifests.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn percent(&self, db: &Database) -> Result<f64> {
        let mut last = self.last.clone().lock_owned().await;
        if let Some(counted) = last.filter(|counted| Instant::now() < counted.until) {
            return Ok(counted.percent);
        }
        let db = db.clone();
        let counting = tokio::spawn(async move {
            let counted = count(&db).await?;
            *last = Some(counted);
            Ok(counted.percent)
        });
        counting
            .await
            .unwrap_or_else(|error| Err(Error::Internal(format!("the count ended early: {error}"))))
    }
}

async fn count(db: &Database) -> Result<Counted> {
    let begun = Instant::now();
    let counts = row_counts::count_scans(&mut db.read().await?).await?;
    let share = if counts.manifests == 0 {
        1.0
    } else {
        // Counts of rows are far below 2^52.
        counts.looked_at as f64 / counts.manifests as f64
    };
    let reuse = begun.elapsed().saturating_mul(REUSE_FACTOR);
    Ok(Counted {
        percent: (share * 10_000.0).round() / 100.0,
        until: Instant::now() + reuse.clamp(SHORTEST_REUSE, LONGEST_REUSE),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_shared_key_may_be_written_with_either_alphabet_and_without_padding() {
        for text in ["+/+/AA==", "-_-_AA==", "+/+/AA", " +/+/AA==\n"] {
            let key = shared_key(&Secret::new(text)).unwrap();
            assert_eq!(key, [0xfb, 0xff, 0xbf, 0x00], "{text}");
        }
        assert!(shared_key(&Secret::new("no base64!")).is_none());
    }
}
