//! Pushing and pulling whole small images (1 KiB configuration, 1 KiB layer), as skopeo does it.

use std::collections::BTreeSet;
use std::time::Instant;

use super::{Case, Found, ordinary};
use crate::error::Error;
use crate::figures::Figures;
use crate::interrupt;
use crate::load::client::Client;
use crate::load::content::{Image, ImageSource, unique};
use crate::load::measure::{Bounds, Meter, measure};
use crate::plan::{Plan, count_label};
use crate::subject::Subject;

/// Pushes and pulls at one and at many clients, and pushes into repositories that hold many.
pub(super) fn cases(plan: &Plan) -> Vec<Case> {
    let mut cases = Vec::new();
    let clients: BTreeSet<usize> = [1, plan.connections].into();
    for clients in &clients {
        let clients = *clients;
        cases.push(Case::new(
            format!("image-push/{clients}"),
            format!("small image push, {clients} client(s), new repository"),
            move |plan, subject| {
                let repository = format!("bench/images-{clients}");
                let measured = push(plan, subject, bounds(plan, clients), &repository)?;
                Ok(Some(measured))
            },
        ));
    }
    cases.push(Case::new(
        "image-push/after",
        format!(
            "small image push, {} images are there before",
            plan.images_before
        ),
        push_after,
    ));
    if let Some(count) = plan.tag_counts.last().copied() {
        cases.push(Case::new(
            format!("image-push/tags-{}", count_label(count)),
            format!(
                "small image push, {} tags are there before",
                count_label(count)
            ),
            move |plan, subject| {
                let tagged = subject.tagged(plan, count)?;
                let bounds = bounds(plan, plan.connections);
                let figures = push(plan, subject, bounds, &tagged.repository)?;
                Ok(Some(figures.noted(tagged.note())))
            },
        ));
    }
    for clients in clients {
        cases.push(Case::new(
            format!("image-pull/{clients}"),
            format!("small image pull, {clients} client(s)"),
            move |plan, subject| pull(plan, subject, clients),
        ));
    }
    cases
}

fn bounds(plan: &Plan, connections: usize) -> Bounds {
    Bounds {
        connections,
        ..ordinary(plan)
    }
}

fn push(
    plan: &Plan,
    subject: &Subject,
    bounds: Bounds,
    repository: &str,
) -> Result<Figures, Error> {
    let images = ImageSource::new();
    subject.prepare_disk(plan, 0)?;
    let measured = subject.measure(bounds, repository, |client, _| {
        push_one(client, repository, &images)
    })?;
    Ok(measured.into())
}

fn push_one(client: &mut Client, repository: &str, images: &ImageSource) -> Result<(), Error> {
    client.push_image(repository, &format!("i{}", unique()), &images.next())
}

fn push_after(plan: &Plan, subject: &Subject) -> Found {
    let repository = "bench/images-after";
    let images = ImageSource::new();
    let authorization = subject.authorization(repository)?;
    let address = subject.address();
    let begun = Instant::now();
    let wanted = u64::from(plan.images_before);
    let filled = measure(
        Bounds {
            warm_up: std::time::Duration::ZERO,
            duration: std::time::Duration::ZERO,
            at_least: wanted,
            at_most: wanted,
            ..ordinary(plan)
        },
        &subject.meter() as &dyn Meter,
        || Client::open(address, authorization.clone()),
        |client, _| {
            interrupt::check()?;
            push_one(client, repository, &images)
        },
    )?;
    let note = (filled.operations < wanted).then(|| {
        format!(
            "only {} images: filling was ended after {:.0} s",
            filled.operations,
            begun.elapsed().as_secs_f64()
        )
    });
    let figures = push(plan, subject, ordinary(plan), repository)?;
    Ok(Some(figures.noted(note)))
}

fn pull(plan: &Plan, subject: &Subject, clients: usize) -> Found {
    let repository = "bench/pulled-images";
    let source = ImageSource::new();
    let mut client = subject.client(repository)?;
    let images: Vec<(String, Image)> = (0..plan.different)
        .map(|_| (format!("p{}", unique()), source.next()))
        .collect();
    for (tag, image) in &images {
        client.push_image(repository, tag, image)?;
    }
    let measured = subject.measure(bounds(plan, clients), repository, |client, number| {
        let (tag, image) = &images[number as usize % images.len()];
        client.pull_image(repository, tag, image)
    })?;
    Ok(Some(measured.into()))
}
