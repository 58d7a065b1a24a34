//! Blob GET and push at three sizes. The big one has its floor beside it.

use super::{Case, Floor, Found, few, ordinary};
use crate::arguments::FloorWork;
use crate::load::client::Upload;
use crate::load::content::{Blob, BlobSource};
use crate::load::measure::Bounds;
use crate::plan::{Plan, size_label};
use crate::subject::Subject;

const PULLED: &str = "bench/blobs";
const PUSHED: &str = "bench/pushed-blobs";
/// Pushed small and middle blobs of one measure at most.
const MOST_PUSHES: u64 = 2000;

/// GETs, then pushes.
pub(super) fn cases(plan: &Plan) -> Vec<Case> {
    let [small, middle, big] = plan.blob_sizes;
    let sizes = [("small", small), ("middle", middle), ("big", big)];
    let mut cases = Vec::new();
    for (name, size) in sizes {
        let label = size_label(size);
        let clients = if name == "big" { " (1 client)" } else { "" };
        let case = Case::new(
            format!("blob-get/{name}"),
            format!("blob GET, {label}{clients}"),
            move |plan, subject| get(plan, subject, size),
        );
        cases.push(with_floor(case, plan, size, FloorWork::Pull));
    }
    for (name, size) in sizes {
        let label = size_label(size);
        let clients = if name == "big" { " (1 client)" } else { "" };
        let monolithic = Case::new(
            format!("blob-push/{name}"),
            format!("blob push, {label}, POST + PUT{clients}"),
            move |plan, subject| push(plan, subject, size, Upload::Put),
        );
        cases.push(with_floor(monolithic, plan, size, FloorWork::Push));
        let in_parts = Case::new(
            format!("blob-push-patch/{name}"),
            format!("blob push, {label}, POST + PATCH + PUT{clients}"),
            move |plan, subject| push(plan, subject, size, Upload::Patch),
        );
        cases.push(with_floor(in_parts, plan, size, FloorWork::Push));
    }
    cases
}

fn with_floor(case: Case, plan: &Plan, size: u64, work: FloorWork) -> Case {
    if !is_big(plan, size) {
        return case;
    }
    let bounds = match work {
        FloorWork::Push => push_bounds(plan, size),
        FloorWork::Pull | FloorWork::Answer => bounds(plan, size),
    };
    case.beside(Floor { work, size, bounds })
        .in_rounds(plan.rounds)
}

fn is_big(plan: &Plan, size: u64) -> bool {
    size == plan.blob_sizes[2]
}

fn bounds(plan: &Plan, size: u64) -> Bounds {
    if is_big(plan, size) {
        Bounds {
            duration: plan.duration * 2,
            ..few(plan, plan.big_transfers)
        }
    } else {
        ordinary(plan)
    }
}

/// Pushes fill the disk, so their number has a lower limit.
fn push_bounds(plan: &Plan, size: u64) -> Bounds {
    let bounds = bounds(plan, size);
    Bounds {
        at_most: if is_big(plan, size) {
            bounds.at_least
        } else {
            MOST_PUSHES
        },
        ..bounds
    }
}

fn get(plan: &Plan, subject: &Subject, size: u64) -> Found {
    let source = BlobSource::new(size);
    let count = if is_big(plan, size) {
        1
    } else {
        plan.different
    };
    let blobs: Vec<Blob> = (0..count).map(|_| source.next()).collect();
    let mut client = subject.client(PULLED)?;
    for blob in &blobs {
        client.push_blob(PULLED, blob, Upload::Patch)?;
        client.verify_blob(PULLED, blob)?;
    }
    subject.prepare_disk(plan, 0)?;
    let measured = subject.measure(bounds(plan, size), PULLED, |client, number| {
        client.get_blob(PULLED, &blobs[number as usize % blobs.len()])
    })?;
    Ok(Some(measured.into()))
}

fn push(plan: &Plan, subject: &Subject, size: u64, upload: Upload) -> Found {
    let source = BlobSource::new(size);
    let mut client = subject.client(PUSHED)?;
    let first = source.next();
    client.push_blob(PUSHED, &first, upload)?;
    client.verify_blob(PUSHED, &first)?;
    drop(first);
    let bounds = push_bounds(plan, size);
    subject.prepare_disk(plan, bounds.at_most.saturating_mul(size))?;
    let measured = subject.measure(bounds, PUSHED, |client, _| {
        client.push_blob(PUSHED, &source.next(), upload)
    })?;
    Ok(Some(measured.into()))
}
