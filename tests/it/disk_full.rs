//! The disk is full: pushes are refused with a clear error, pulls go on, and pushes work again as soon as
//! there is space, without a restart.

use std::fs;

use pierhead_testkit::{Client, Engine, Image, Pierhead, Result, Sandbox, digest_of, pseudorandom};
use serde_json::json;

use crate::namespace::{seen_by, wrapper};

/// The size of the small disk, and of a file on it that is removed later.
const DISK: usize = 24 << 20;
const BALLAST: usize = 10 << 20;
const BLOB: usize = 2 << 20;

async fn on_a_small_disk(engine: Engine) -> Result<()> {
    let sandbox = Sandbox::new()?;
    let folder = sandbox.path("disk");
    fs::create_dir_all(&folder).unwrap();
    let script = format!(
        "mount -t tmpfs -o size={DISK} tmpfs {} && exec \"$@\"",
        folder.display()
    );
    let wrapper = wrapper(&["--mount"], &script);
    let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    let mut builder = Pierhead::builder()
        .engine(engine)
        .data(&folder)
        .wrapper(&wrapper);
    if engine == Engine::PostgreSql {
        builder = builder.config(json!({ "FEATURE_SPARSE_INDEX": true }));
    }
    let mut server = builder.start().await?;
    let owner = server.initialize("devel").await?;
    let client = Client::new(&server, Some(&owner));
    let image = Image::build(111, &[100_000]);
    client.push_image("devel/app", "v1", &image).await?;

    let ballast = seen_by(&server, &folder)?.join("ballast");
    fs::write(&ballast, vec![0; BALLAST]).unwrap();
    let mut stored = Vec::new();
    let refused = loop {
        let bytes = pseudorandom(1000 + stored.len() as u64, BLOB);
        match client.push_blob("devel/app", &bytes).await {
            Ok(digest) => stored.push((digest, bytes)),
            Err(error) => break (error, digest_of(&bytes)),
        }
        assert!(
            stored.len() * BLOB < DISK,
            "more was acknowledged than the disk holds"
        );
    };
    let status = refused.0.status();
    assert!(matches!(status, Some(503 | 507)), "{:?}", refused.0);
    assert!(
        refused.0.to_string().contains("\"errors\""),
        "{:?}",
        refused.0
    );

    // What is there is served; what was refused is not; the server is alive.
    assert_eq!(
        client.get_manifest("devel/app", "v1").await?.bytes,
        image.manifest.bytes
    );
    for (digest, bytes) in &stored {
        assert!(
            &client.get_blob("devel/app", digest).await? == bytes,
            "{digest}"
        );
    }
    assert!(!client.has_blob("devel/app", &refused.1).await?);

    fs::remove_file(&ballast).unwrap();
    let after = Image::build(112, &[BLOB]);
    client.push_image("devel/app", "v2", &after).await?;
    assert_eq!(
        client.get_manifest("devel/app", "v2").await?.bytes,
        after.manifest.bytes
    );
    server.stop().await
}

#[tokio::test]
async fn a_full_disk_refuses_pushes_until_there_is_space_again_on_sqlite() {
    on_a_small_disk(Engine::Sqlite).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_pushes_until_there_is_space_again_on_postgresql() {
    on_a_small_disk(Engine::PostgreSql).await.unwrap();
}
