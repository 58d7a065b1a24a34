//! The export of audit logs, wired: rows as the API shows them, callbacks through the address guard, letters through the mailer.

use std::sync::Arc;
use std::time::Duration;

use pierhead_client::{AddressGuard, Client, Limits};
use pierhead_config::Config;
use pierhead_jobs::log_export::{LogExport, LogExportCallbacks, Mail, Outcome, SendMail};
use pierhead_mail::{Letter, Mailer};
use pierhead_storage::Storage;

use crate::context::Context;
use crate::serve::transport;
use crate::settings;
use crate::trust::ExtraCas;

/// How people are told that an export is done. Callbacks get no redirects: what answers may be anything.
pub(crate) fn callbacks(
    config: &Config,
    authorities: &ExtraCas,
    mailer: &Mailer,
) -> Result<LogExportCallbacks, pierhead_client::Error> {
    let guard = AddressGuard::public_only(&config.mirroring.ssrf_allowed_hosts);
    let limits = Limits {
        redirects: 0,
        ..Limits::default()
    };
    let sends = config.mail.feature_mailing && !config.mail.mail_server.is_empty();
    Ok(LogExportCallbacks {
        client: Client::with_transport(guard, limits, &transport(authorities))?,
        mail: sends.then(|| send_mail(config, mailer.clone())),
    })
}

fn send_mail(config: &Config, mailer: Mailer) -> SendMail {
    let life = Duration::from_secs(config.logs.export_action_logs_seconds.into());
    Arc::new(move |mail: Mail| {
        let sent = mailer.reserve().map(|slot| {
            slot.send(
                mail.address,
                letter(mail.export_id, mail.outcome, mail.url, life),
            );
        });
        Box::pin(async move { sent.map_err(|error| error.to_string()) })
    })
}

fn letter(export_id: String, outcome: Outcome, url: Option<String>, life: Duration) -> Letter {
    let until = chrono::Utc::now() + life;
    Letter::LogsExported {
        export_id,
        url: url.filter(|_| outcome == Outcome::Success),
        available_until: Some(until.format("%Y-%m-%d %H:%M UTC").to_string()),
    }
}

/// The worker.
pub(crate) fn worker(
    context: &Context,
    storage: &Storage,
    callbacks: LogExportCallbacks,
) -> LogExport {
    let config = &context.config;
    let logs = &config.logs;
    let seconds = |seconds: u32| Duration::from_secs(seconds.max(1).into());
    let api = settings::api(config, context.directory.is_none());
    LogExport {
        db: context.db.in_background(),
        storage: storage.clone(),
        show: pierhead_api::show_log_row(context.enums.clone(), &api),
        callbacks,
        queue: config.queues.export_action_logs_queue_name.clone(),
        folder: logs.export_action_logs_storage_path.clone(),
        base_url: api.base_url(),
        every: seconds(logs.export_action_logs_worker_poll_period),
        longest: seconds(logs.export_action_logs_maximum_seconds),
        longest_query: seconds(logs.export_action_logs_maximum_query_time_seconds),
    }
}
