//! Token issue: `GET /v2/auth`. Only registries with a token service have these rows.

use std::fs;
use std::time::{Duration, Instant};

use super::{Case, Found, ordinary};
use crate::error::{Doing as _, Error};
use crate::figures::{Figures, milliseconds};
use crate::load::connection::Connection;
use crate::load::measure::{Meter as _, measure};
use crate::load::message::{Body, Request};
use crate::peers::access::{Basic, TokenAccess, challenged_service, request_token};
use crate::peers::{Access, start};
use crate::plan::Plan;
use crate::subject::{ProcessMeter, Subject};

const REPOSITORY: &str = "bench/token";

/// All kinds of callers.
pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("token/robot", "token, robot, warm", |plan, subject| {
            warm(plan, subject, |access| match &access.robot {
                Ok(robot) => (Some(robot.clone()), None),
                Err(problem) => (
                    Some(access.user.clone()),
                    Some(format!("no robot, measured with the user: {problem}")),
                ),
            })
        }),
        Case::new(
            "token/password-warm",
            "token, user and password, warm",
            |plan, subject| warm(plan, subject, |access| (Some(access.user.clone()), None)),
        ),
        Case::new("token/anonymous", "token, anonymous", |plan, subject| {
            warm(plan, subject, |_| (None, None))
        }),
        Case::new(
            "token/password-cold",
            "token, user and password, first login after a start (1 client)",
            cold,
        ),
    ]
}

/// Tokens for a caller that the server has seen before.
fn warm(
    plan: &Plan,
    subject: &Subject,
    caller: impl Fn(&TokenAccess) -> (Option<Basic>, Option<String>),
) -> Found {
    let Access::Token(access) = &subject.access else {
        return Ok(None);
    };
    // Pushing is asked for once, so that the repository exists.
    subject.authorization(REPOSITORY)?;
    let address = subject.address();
    let (credentials, note) = caller(access);
    let target = access.target(Some(&format!("repository:{REPOSITORY}:pull")));
    let request = Request {
        authorization: credentials.as_ref().map(Basic::header),
        ..Request::new("GET", &target)
    };
    let measured = measure(
        ordinary(plan),
        &subject.meter(),
        || {
            let mut connection = Connection::open(address)?;
            request_token(&mut connection, &target, credentials.as_ref())?;
            Ok(connection)
        },
        |connection, _| {
            let response = connection.exchange(&request, Body::Discard)?;
            if response.status == 200 && response.length > 100 {
                return Ok(());
            }
            Err(Error::Answer {
                target: target.clone(),
                expected: "status 200 and a token".to_owned(),
                got: format!("status {}, {} bytes", response.status, response.length),
            })
        },
    )?;
    Ok(Some(Figures::from(measured).noted(note)))
}

/// The first login of a user: a server of its own is started again for every single one, because
/// nothing else makes a server forget a password that it has verified.
fn cold(plan: &Plan, subject: &Subject) -> Found {
    let product = &*subject.product;
    if matches!(subject.access, Access::Open) {
        return Ok(None);
    }
    let home = subject.sibling_home("cold");
    let access = {
        let (server, _) = start(product, &home)?;
        product.access(&home, server.address())?
    };
    let Access::Token(mut access) = access else {
        return Ok(None);
    };
    let mut times = Vec::new();
    let (mut cpu, mut database_cpu) = (Duration::ZERO, None);
    for _ in 0..plan.starts {
        let (server, _) = start(product, &home)?;
        access.service = challenged_service(server.address())?;
        let target = access.target(None);
        let meter = ProcessMeter {
            pid: server.pid(),
            cluster: product.cluster(),
        };
        let mut connection = Connection::open(server.address())?;
        let (before, database_before) = (meter.cpu()?, meter.database_cpu()?);
        let begun = Instant::now();
        request_token(&mut connection, &target, Some(&access.user))?;
        times.push(begun.elapsed());
        std::thread::sleep(plan.settle);
        cpu += meter.cpu()?.saturating_sub(before);
        if let (Some(after), Some(before)) = (meter.database_cpu()?, database_before) {
            *database_cpu.get_or_insert(Duration::ZERO) += after.saturating_sub(before);
        }
    }
    fs::remove_dir_all(&home).doing(|| format!("remove {}", home.display()))?;
    let count = times.len().max(1) as f64;
    Ok(Some(Figures {
        cpu_ms: (!cpu.is_zero()).then(|| milliseconds(cpu) / count),
        database_cpu_ms: database_cpu.map(|cpu| milliseconds(cpu) / count),
        ..Figures::times(times)
    }))
}
