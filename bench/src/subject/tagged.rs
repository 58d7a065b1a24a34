//! A repository with many tags.
//!
//! Up to 500 different manifests over one configuration and one layer carry the tags in turn, so
//! that filling costs one request for each tag, and a reader that walks over the tags meets more
//! than one manifest.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Subject;
use crate::error::Error;
use crate::interrupt;
use crate::load::client::{Client, Upload};
use crate::load::content::{ImageSource, Manifest, manifest_of};
use crate::plan::Plan;

/// Different manifests at most.
const MANIFESTS: u32 = 500;
/// Connections that push tags; more than for measures, because durable writes wait for the disk.
const FILLERS: u32 = 32;

/// A filled repository.
#[derive(Debug)]
pub(crate) struct Tagged {
    /// Its name.
    pub(crate) repository: String,
    /// Tags that it has.
    pub(crate) count: u32,
    /// Tags that were asked for.
    pub(crate) wanted: u32,
    took: Duration,
    manifests: Vec<Manifest>,
}

impl Tagged {
    /// Pushes `wanted` tags, or as many as fit into the plan's time for this registry.
    pub(crate) fn fill(subject: &Subject, plan: &Plan, wanted: u32) -> Result<Self, Error> {
        let limit = if subject.product.is_own() {
            plan.own_fill
        } else {
            plan.peer_fill
        };
        let repository = format!("bench/tags-{wanted}");
        let mut client = subject.client(&repository)?;
        let image = ImageSource::new().next();
        client.push_blob(&repository, &image.config, Upload::Put)?;
        client.push_blob(&repository, &image.layer, Upload::Put)?;
        let manifests: Vec<_> = (0..wanted.min(MANIFESTS))
            .map(|_| manifest_of(&image.config, &image.layer))
            .collect();

        let address = subject.address();
        let begun = Instant::now();
        let authorization = subject.authorization(&repository)?;
        let next = AtomicU32::new(0);
        let failure = Mutex::new(None);
        let fill = || -> Result<(), Error> {
            let mut client = Client::open(address, authorization.clone())?;
            while begun.elapsed() < limit && failure.lock().is_ok_and(|found| found.is_none()) {
                interrupt::check()?;
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= wanted {
                    break;
                }
                let manifest = &manifests[number as usize % manifests.len()];
                client.put_manifest(&repository, &tag(number), manifest)?;
            }
            Ok(())
        };
        thread::scope(|scope| {
            for _ in 0..FILLERS.min(wanted) {
                scope.spawn(|| {
                    if let (Err(error), Ok(mut found)) = (fill(), failure.lock()) {
                        found.get_or_insert(error);
                    }
                });
            }
        });
        if let Ok(Some(error)) = failure.into_inner() {
            return Err(error);
        }
        Ok(Self {
            repository,
            count: next.into_inner().min(wanted),
            wanted,
            took: begun.elapsed(),
            manifests,
        })
    }

    /// A tag that the repository has, and its manifest. Numbers that grow by one walk over all
    /// tags in an order that jumps.
    pub(crate) fn pick(&self, number: u64) -> (String, &Manifest) {
        // A large prime: the walk visits every tag when the count is no multiple of it.
        let index = (number.wrapping_mul(7_368_787) % u64::from(self.count.max(1))) as u32;
        let manifest = &self.manifests[index as usize % self.manifests.len()];
        (tag(index), manifest)
    }

    /// Says when there are fewer tags than asked for.
    pub(crate) fn note(&self) -> Option<String> {
        (self.count < self.wanted).then(|| {
            format!(
                "only {} tags: filling was ended after {:.0} s",
                self.count,
                self.took.as_secs_f64()
            )
        })
    }
}

fn tag(number: u32) -> String {
    format!("t{number:06}")
}
