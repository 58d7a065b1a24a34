//! `kill -9` at random points of concurrent pushes, a few hundred times.
//!
//! After every restart each acknowledged blob and manifest is there, byte for byte; of what was not
//! acknowledged, all or nothing is served; and a tag that was being moved names the old image or the new
//! one. At the end every file of the storage holds what its name says, and once the leftovers are old
//! enough nothing of an unfinished upload remains.
//!
//! The points are chosen by a seeded generator, printed at the start; `PIERHEAD_CRASH_SEED` repeats a
//! run's choices, `PIERHEAD_CRASH_ROUNDS` makes it longer.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use pierhead_testkit::{
    Blob, Client, Durability, Engine, Error, Image, Pierhead, Postgres, Result, digest_of,
    eventually,
};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::Notify;

const ROUNDS: u32 = 150;
const WORKERS: u64 = 4;

/// What the server said it has, and what it was asked for without an answer.
#[derive(Default)]
struct Ledger {
    blobs: HashMap<String, Arc<Blob>>,
    manifests: HashMap<String, Arc<Image>>,
    moving: HashMap<String, Moving>,
    open_blobs: Vec<Arc<Blob>>,
    open_manifests: Vec<(String, Arc<Image>)>,
    /// Acknowledged since the last restart.
    new_blobs: Vec<Arc<Blob>>,
    new_manifests: Vec<(String, Arc<Image>)>,
}

/// A tag that one worker moves from image to image.
#[derive(Default, Clone)]
struct Moving {
    /// The image whose move was acknowledged last.
    acknowledged: Option<Arc<Image>>,
    /// The image that may have replaced it.
    asked: Option<Arc<Image>>,
}

/// Counts what the workers do, so that the crash falls somewhere into their work.
#[derive(Default)]
struct Steps {
    done: AtomicU64,
    moved: Notify,
}

impl Steps {
    fn step(&self) {
        self.done.fetch_add(1, Ordering::SeqCst);
        self.moved.notify_one();
    }

    async fn reach(&self, target: u64) {
        while self.done.load(Ordering::SeqCst) < target {
            self.moved.notified().await;
        }
    }
}

/// One worker's repository and pushes.
struct Worker {
    client: Client,
    ledger: Arc<Mutex<Ledger>>,
    steps: Arc<Steps>,
    repository: String,
    random: StdRng,
}

impl Worker {
    /// Pushes images until the server is gone.
    async fn push_until_the_crash(mut self) {
        while self.push_one().await.is_ok() {}
    }

    async fn push_one(&mut self) -> Result<()> {
        let sizes: Vec<usize> = (0..self.random.random_range(1..3))
            .map(|_| {
                if self.random.random_bool(0.2) {
                    self.random.random_range(100_000..700_000)
                } else {
                    self.random.random_range(1..8000)
                }
            })
            .collect();
        let image = Arc::new(Image::build(self.random.random::<u64>() >> 12, &sizes));
        for blob in image.blobs() {
            let blob = Arc::new(blob.clone());
            lock(&self.ledger).open_blobs.push(Arc::clone(&blob));
            self.push_blob(&blob).await?;
            let mut ledger = lock(&self.ledger);
            ledger
                .blobs
                .insert(self.key(&blob.digest), Arc::clone(&blob));
            ledger.new_blobs.push(blob);
        }
        let tag = format!("t{}", &image.manifest.digest[7..23]);
        lock(&self.ledger)
            .open_manifests
            .push((self.key(&tag), Arc::clone(&image)));
        self.put_manifest(&tag, &image).await?;
        {
            let mut ledger = lock(&self.ledger);
            ledger.manifests.insert(self.key(&tag), Arc::clone(&image));
            ledger
                .new_manifests
                .push((self.key(&tag), Arc::clone(&image)));
            ledger.moving.entry(self.key("moving")).or_default().asked = Some(Arc::clone(&image));
        }
        self.put_manifest("moving", &image).await?;
        lock(&self.ledger).moving.insert(
            self.key("moving"),
            Moving {
                acknowledged: Some(image),
                asked: None,
            },
        );
        Ok(())
    }

    async fn push_blob(&mut self, blob: &Blob) -> Result<()> {
        let size = self.random.random_range(1_000..200_000);
        let mut upload = self.client.start_upload(&self.repository).await?;
        self.steps.step();
        for piece in blob.bytes.chunks(size) {
            upload = self.client.send_chunk(&upload, piece).await?;
            self.steps.step();
        }
        self.client.finish_upload(&upload, &blob.digest).await?;
        self.steps.step();
        Ok(())
    }

    async fn put_manifest(&self, reference: &str, image: &Image) -> Result<()> {
        let manifest = &image.manifest;
        self.client
            .push_manifest(
                &self.repository,
                reference,
                manifest.media_type,
                &manifest.bytes,
            )
            .await?;
        self.steps.step();
        Ok(())
    }

    fn key(&self, reference: &str) -> String {
        format!("{} {reference}", self.repository)
    }
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9_on_sqlite() {
    let server = Pierhead::start(Engine::Sqlite).await.unwrap();
    crash_again_and_again(server, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9_on_postgresql() {
    let postgres = Postgres::start(Durability::On).await.unwrap();
    let database = postgres.empty_database().unwrap();
    let server = Pierhead::builder()
        .database(&database)
        .start()
        .await
        .unwrap();
    crash_again_and_again(server, Some(postgres)).await.unwrap();
}

async fn crash_again_and_again(mut server: Pierhead, mut postgres: Option<Postgres>) -> Result<()> {
    let rounds = number_from("PIERHEAD_CRASH_ROUNDS").map_or(ROUNDS, |rounds| rounds as u32);
    let seed = number_from("PIERHEAD_CRASH_SEED").unwrap_or_else(rand::random);
    println!("crash test: {rounds} rounds, PIERHEAD_CRASH_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);

    let owner = server.initialize("devel").await?;
    let mut client = Client::new(&server, Some(&owner));
    let repositories: Vec<String> = (0..WORKERS)
        .map(|number| format!("devel/crash-{number}"))
        .collect();
    for repository in &repositories {
        // One token per repository for the whole test: it also has to survive the crashes.
        client.authorize(repository, "pull,push").await?;
    }

    let ledger = Arc::new(Mutex::new(Ledger::default()));
    for round in 0..rounds {
        let steps = Arc::new(Steps::default());
        let workers: Vec<_> = repositories
            .iter()
            .map(|repository| {
                let worker = Worker {
                    client: client.reconnected(),
                    ledger: Arc::clone(&ledger),
                    steps: Arc::clone(&steps),
                    repository: repository.clone(),
                    random: StdRng::seed_from_u64(random.random()),
                };
                tokio::spawn(worker.push_until_the_crash())
            })
            .collect();
        steps.reach(random.random_range(1..60)).await;
        let moment = Instant::now() + Duration::from_micros(random.random_range(0..3000));
        while Instant::now() < moment {
            tokio::task::yield_now().await;
        }
        server.kill9();
        for worker in workers {
            worker
                .await
                .map_err(|error| Error::unexpected(error.to_string()))?;
        }
        if let Some(postgres) = postgres.as_mut().filter(|_| round % 10 == 9) {
            postgres.crash().await?;
            postgres.start_again().await?;
        }
        server.restart().await?;
        client = client.reconnected();
        let (blobs, manifests) = {
            let mut ledger = lock(&ledger);
            (
                std::mem::take(&mut ledger.new_blobs),
                std::mem::take(&mut ledger.new_manifests),
            )
        };
        verify_acknowledged(&client, &ledger, &blobs, &manifests).await?;
        verify_unanswered(&client, &ledger).await?;
    }

    let (blobs, manifests) = {
        let ledger = lock(&ledger);
        let blobs: Vec<_> = ledger.blobs.values().cloned().collect();
        let manifests: Vec<_> = ledger
            .manifests
            .iter()
            .map(|(key, image)| (key.clone(), Arc::clone(image)))
            .collect();
        (blobs, manifests)
    };
    println!(
        "crash test: {} blobs and {} manifests were acknowledged",
        blobs.len(),
        manifests.len()
    );
    assert!(
        manifests.len() > rounds as usize / 4,
        "the crashes came before anything was pushed"
    );
    verify_acknowledged(&client, &ledger, &blobs, &manifests).await?;
    for repository in &repositories {
        let expected: Vec<&str> = manifests
            .iter()
            .filter_map(|(key, _)| key.strip_prefix(repository.as_str())?.strip_prefix(' '))
            .collect();
        if !expected.is_empty() {
            let listed = client.tags(repository).await?;
            let missing: Vec<_> = expected
                .iter()
                .filter(|tag| !listed.iter().any(|other| other == *tag))
                .collect();
            assert!(missing.is_empty(), "{repository} does not list {missing:?}");
        }
    }
    server.stop().await?;
    every_file_is_what_its_name_says(&server.data());
    leftovers_are_collected(&mut server).await
}

/// Everything the server said yes to is there, byte for byte.
async fn verify_acknowledged(
    client: &Client,
    ledger: &Mutex<Ledger>,
    blobs: &[Arc<Blob>],
    manifests: &[(String, Arc<Image>)],
) -> Result<()> {
    let homes: HashMap<String, String> = lock(ledger)
        .blobs
        .keys()
        .filter_map(|key| key.split_once(' '))
        .map(|(repository, digest)| (digest.to_owned(), repository.to_owned()))
        .collect();
    for blob in blobs {
        let bytes = client.get_blob(&homes[&blob.digest], &blob.digest).await?;
        assert!(
            bytes == blob.bytes,
            "{} came back with {} other bytes",
            blob.digest,
            bytes.len()
        );
    }
    for (key, image) in manifests {
        let (repository, tag) = key.split_once(' ').unwrap();
        let served = client.get_manifest(repository, tag).await?;
        assert_eq!(served.bytes, image.manifest.bytes, "{key}");
        assert_eq!(served.digest, image.manifest.digest, "{key}");
    }
    Ok(())
}

/// What got no answer is there as a whole or not at all.
async fn verify_unanswered(client: &Client, ledger: &Mutex<Ledger>) -> Result<()> {
    let (blobs, manifests, moving) = {
        let mut ledger = lock(ledger);
        let blobs = std::mem::take(&mut ledger.open_blobs);
        let manifests = std::mem::take(&mut ledger.open_manifests);
        (blobs, manifests, ledger.moving.clone())
    };
    for blob in blobs {
        for worker in 0..WORKERS {
            let path = format!("/v2/devel/crash-{worker}/blobs/{}", blob.digest);
            let answer = client.send("GET", &path).await?;
            match answer.status.as_u16() {
                200 => assert!(answer.body == blob.bytes, "{path} serves a part"),
                404 => {}
                other => panic!("{path}: {other} {}", answer.text()),
            }
        }
    }
    for (key, image) in manifests {
        let (repository, tag) = key.split_once(' ').unwrap();
        let answer = client.manifest("GET", repository, tag).await?;
        match answer.status.as_u16() {
            200 => {
                assert_eq!(answer.body, image.manifest.bytes, "{key}");
                for blob in image.blobs() {
                    assert!(client.get_blob(repository, &blob.digest).await? == blob.bytes);
                }
            }
            404 => {}
            other => panic!("{key}: {other} {}", answer.text()),
        }
    }
    for (
        key,
        Moving {
            acknowledged,
            asked,
        },
    ) in moving
    {
        let (repository, tag) = key.split_once(' ').unwrap();
        let answer = client.manifest("GET", repository, tag).await?;
        let possible: Vec<&[u8]> = acknowledged
            .iter()
            .chain(&asked)
            .map(|image| image.manifest.bytes.as_slice())
            .collect();
        match answer.status.as_u16() {
            200 => assert!(
                possible.contains(&answer.body.as_slice()),
                "{key} names a third image"
            ),
            404 => assert!(acknowledged.is_none(), "{key} is gone"),
            other => panic!("{key}: {other} {}", answer.text()),
        }
    }
    Ok(())
}

/// A file that is named by a digest holds the bytes of that digest.
fn every_file_is_what_its_name_says(data: &Path) {
    let mut blobs = 0;
    for file in files_below(data) {
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let is_blob = file.components().any(|part| part.as_os_str() == "sha256");
        if is_blob && name.len() == 64 {
            assert_eq!(
                digest_of(&fs::read(&file).unwrap()),
                format!("sha256:{name}")
            );
            blobs += 1;
        }
    }
    assert!(blobs > 0, "no blob below {}", data.display());
}

/// Three days later nothing of an unfinished upload is left.
async fn leftovers_are_collected(server: &mut Pierhead) -> Result<()> {
    server.shift_clock("+3d")?;
    server.restart().await?;
    let data = server.data();
    let uploads = || -> Vec<PathBuf> {
        files_below(&data)
            .into_iter()
            .filter(|file| file.components().any(|part| part.as_os_str() == "uploads"))
            .collect()
    };
    let waited = eventually("the uploads that nobody finished to be gone", || async {
        Ok(uploads().is_empty().then_some(()))
    });
    waited
        .await
        .map_err(|error| Error::unexpected(format!("{error}\nleft: {:?}", uploads())))?;
    if let Some(database) = server.database() {
        eventually("the upload rows to be gone", || async {
            Ok((database.sql("select count(*) from blobupload")? == "0").then_some(()))
        })
        .await?;
    }
    server.stop().await
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    // A file may be gone between the listing and the look at it.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}

fn number_from(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is no number: {text}")),
    )
}
