//! `kill -9` at random points of concurrent pushes, a few hundred times.
//!
//! After every restart each acknowledged blob and manifest is there, byte for byte; of what was not
//! acknowledged, all or nothing is served; and a tag that was being moved names the old image or the new
//! one. At the end every file of the storage holds what its name says, and once the leftovers are old
//! enough nothing of an unfinished upload remains.
//!
//! The points are chosen by a seeded generator, printed at the start; `PIERHEAD_CRASH_SEED` repeats a
//! run's choices, `PIERHEAD_CRASH_ROUNDS` makes it longer.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pierhead_testkit::{Client, Durability, Engine, Error, Pierhead, Postgres, Result, eventually};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use pushes::{Ledger, Steps, Worker, lock};
use verify::{
    every_file_is_what_its_name_says, leftovers_are_collected, verify_acknowledged,
    verify_unanswered,
};

mod pushes;
mod verify;

const ROUNDS: u32 = 150;
const WORKERS: u64 = 4;
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
        if let Some(database) = server.database() {
            let killed = "select count(*) from pg_stat_activity where datname = current_database() \
                          and backend_type = 'client backend' and pid <> pg_backend_pid()";
            eventually("the killed server's transactions to end", || async {
                Ok((database.sql(killed)? == "0").then_some(()))
            })
            .await?;
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

fn number_from(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is no number: {text}")),
    )
}
