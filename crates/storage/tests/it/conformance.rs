//! The tests that each driver must pass: [`conforms`], on a driver over an empty location.

use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use pierhead_oci::digest::Algorithm;
use pierhead_oci::{Digest, Hasher};
use pierhead_storage::{Content, ContentPath, Driver, Error, Location, Storage, UploadName};

/// Everything that a driver promises in [`Driver`].
pub(crate) async fn conforms(driver: Arc<dyn Driver>) {
    an_upload_has_one_writer(&*driver).await;
    an_upload_grows_and_is_cut_off(&*driver).await;
    content_is_what_was_published(&*driver).await;
    publishing_replaces_what_no_row_vouches_for(&*driver).await;
    content_never_changes_by_its_upload(&*driver).await;
    publishing_is_taken_back_by_its_upload_only(&*driver).await;
    what_is_not_there_is_told(&*driver).await;
    old_uploads_are_listed(&*driver).await;
    driver.check().await.unwrap();
    a_file_becomes_visible_whole(driver.clone()).await;
    an_upload_is_hashed_while_it_is_written(driver).await;
}

fn path(content: &[u8]) -> ContentPath {
    ContentPath::of_digest(&digest(content))
}

fn digest(content: &[u8]) -> Digest {
    Hasher::digest(Algorithm::Sha256, content)
}

async fn upload(driver: &dyn Driver, content: &[u8]) -> UploadName {
    let name = UploadName::random();
    let mut file = driver.append(&name, true).await.unwrap();
    file.append(&[Bytes::copy_from_slice(content)]).unwrap();
    name
}

async fn read(driver: &dyn Driver, path: &ContentPath) -> Vec<u8> {
    let Content::File { file, size } = driver.open(path).await.unwrap();
    let mut bytes = vec![0; size as usize];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

#[allow(clippy::needless_pass_by_value, reason = "what a call returned")]
fn is_missing<T>(result: Result<T, Error>) -> bool {
    matches!(result, Err(Error::NotFound { .. }))
}

async fn a_file_becomes_visible_whole(driver: Arc<dyn Driver>) {
    let location = Location {
        id: "here".to_owned(),
        driver: driver.clone(),
    };
    let storage = Storage::new(vec![location], vec!["here".to_owned()]).unwrap();
    let path = ContentPath::in_folder("exported/logs", "a-1").unwrap();
    let mut file = storage.write_file("here").await.unwrap();
    file.push("one").await.unwrap();
    file.push(" two").await.unwrap();
    assert!(is_missing(driver.open(&path).await));
    assert_eq!(file.finish(&path).await.unwrap(), 7);
    assert_eq!(read(&*driver, &path).await, b"one two");

    let mut given_up = storage.write_file("here").await.unwrap();
    given_up.push("three").await.unwrap();
    given_up.abandon().await.unwrap();
    let mut again = storage.write_file("here").await.unwrap();
    again.push("four").await.unwrap();
    again.finish(&path).await.unwrap();
    assert_eq!(read(&*driver, &path).await, b"four");
    assert!(driver.stale_uploads(0, 100).await.unwrap().is_empty());
}

async fn an_upload_has_one_writer(driver: &dyn Driver) {
    let name = UploadName::random();
    assert!(is_missing(driver.append(&name, false).await));
    let writer = driver.append(&name, true).await.unwrap();
    for create in [true, false] {
        assert!(matches!(
            driver.append(&name, create).await,
            Err(Error::Busy { .. })
        ));
    }
    drop(writer);
    driver.append(&name, false).await.unwrap();
    driver.discard(&name).await.unwrap();
    assert!(is_missing(driver.append(&name, false).await));
}

async fn an_upload_grows_and_is_cut_off(driver: &dyn Driver) {
    let name = upload(driver, b"abc").await;
    let mut file = driver.append(&name, false).await.unwrap();
    assert_eq!(file.size().unwrap(), 3);
    file.append(&["d", "", "ef"].map(Bytes::from)).unwrap();
    let many: Vec<Bytes> = (0..3000).map(|_| Bytes::from_static(b"x")).collect();
    file.append(&many).unwrap();
    assert_eq!(file.size().unwrap(), 3006);
    file.truncate(4).unwrap();
    file.append(&[Bytes::from_static(b"!")]).unwrap();
    drop(file);
    driver
        .publish(&name, &path(b"abcd!"), 5, false)
        .await
        .unwrap();
    assert_eq!(read(driver, &path(b"abcd!")).await, b"abcd!");
}

async fn content_is_what_was_published(driver: &dyn Driver) {
    let name = upload(driver, b"published").await;
    let at = path(b"published");
    assert!(is_missing(driver.open(&at).await));
    assert!(!driver.is_published(&name).await.unwrap());
    assert!(
        driver.publish(&name, &at, 8, false).await.is_err(),
        "of another size"
    );
    assert!(is_missing(driver.open(&at).await));
    for _ in 0..2 {
        driver.publish(&name, &at, 9, false).await.unwrap();
        assert!(driver.is_published(&name).await.unwrap());
    }
    driver.discard(&name).await.unwrap();
    driver.discard(&name).await.unwrap();
    assert_eq!(read(driver, &at).await, b"published");
    driver.delete(&at).await.unwrap();
    driver.delete(&at).await.unwrap();
    assert!(is_missing(driver.open(&at).await));
}

async fn publishing_replaces_what_no_row_vouches_for(driver: &dyn Driver) {
    let at = path(b"anything");
    let publish = async |content: &[u8], trusted| {
        let name = upload(driver, content).await;
        driver
            .publish(&name, &at, content.len() as u64, trusted)
            .await
            .unwrap();
        driver.discard(&name).await.unwrap();
        read(driver, &at).await
    };
    assert_eq!(publish(b"one", false).await, b"one");
    assert_eq!(
        publish(b"two", true).await,
        b"one",
        "trusted and of the same size"
    );
    assert_eq!(
        publish(b"three", true).await,
        b"three",
        "trusted, but of another size"
    );
    assert_eq!(publish(b"four!", false).await, b"four!", "not trusted");
}

async fn content_never_changes_by_its_upload(driver: &dyn Driver) {
    let at = path(b"content");
    let name = upload(driver, b"content").await;
    driver.publish(&name, &at, 7, false).await.unwrap();
    let mut file = driver.append(&name, false).await.unwrap();
    file.append(&[Bytes::from_static(b" and more")]).unwrap();
    assert_eq!(file.size().unwrap(), 16);
    assert!(
        matches!(driver.append(&name, false).await, Err(Error::Busy { .. })),
        "it is still locked"
    );
    file.truncate(2).unwrap();
    assert_eq!(read(driver, &at).await, b"content");
    drop(file);
    assert!(!driver.is_published(&name).await.unwrap());
    driver.publish(&name, &path(b"co"), 2, false).await.unwrap();
    assert_eq!(read(driver, &path(b"co")).await, b"co");
    driver.discard(&name).await.unwrap();
}

async fn publishing_is_taken_back_by_its_upload_only(driver: &dyn Driver) {
    let at = path(b"taken back");
    let (one, other) = (
        upload(driver, b"taken back").await,
        upload(driver, b"taken back").await,
    );
    assert!(
        !driver.unpublish(&one, &at).await.unwrap(),
        "nothing is there"
    );
    driver.publish(&one, &at, 10, false).await.unwrap();
    assert!(
        !driver.unpublish(&other, &at).await.unwrap(),
        "it came from the first"
    );
    driver.publish(&other, &at, 10, false).await.unwrap();
    assert!(
        !driver.unpublish(&one, &at).await.unwrap(),
        "it came from the second"
    );
    assert_eq!(read(driver, &at).await, b"taken back");
    assert!(driver.unpublish(&other, &at).await.unwrap());
    assert!(is_missing(driver.open(&at).await));
    for name in [one, other] {
        driver.discard(&name).await.unwrap();
    }
}

async fn what_is_not_there_is_told(driver: &dyn Driver) {
    let name = UploadName::random();
    assert!(is_missing(driver.open_upload(&name).await));
    assert!(is_missing(driver.is_published(&name).await));
    assert!(is_missing(
        driver.publish(&name, &path(b"x"), 0, false).await
    ));
    assert!(!driver.unpublish(&name, &path(b"x")).await.unwrap());
}

async fn old_uploads_are_listed(driver: &dyn Driver) {
    let name = upload(driver, b"old").await;
    assert!(driver.stale_uploads(0, 1000).await.unwrap().contains(&name));
    assert!(
        !driver
            .stale_uploads(3600, 1000)
            .await
            .unwrap()
            .contains(&name)
    );
    upload(driver, b"old too").await;
    assert_eq!(driver.stale_uploads(0, 1).await.unwrap().len(), 1);
    for name in driver.stale_uploads(0, 1000).await.unwrap() {
        driver.discard(&name).await.unwrap();
    }
    assert!(driver.stale_uploads(0, 1000).await.unwrap().is_empty());
}

async fn an_upload_is_hashed_while_it_is_written(driver: Arc<dyn Driver>) {
    let location = Location {
        id: "here".to_owned(),
        driver,
    };
    let storage = Storage::new(vec![location], vec!["here".to_owned()]).unwrap();
    let (name, piece) = (UploadName::random(), Bytes::from(vec![7; 300_000]));
    let open = storage.append("here", &name, true).await.unwrap();
    let mut writer = open.writer(Hasher::new(Algorithm::Sha256)).await.unwrap();
    for _ in 0..10 {
        writer.push(piece.clone()).await.unwrap();
    }
    let written = writer.finish().await.unwrap();
    let expected = Hasher::digest(Algorithm::Sha256, &piece.repeat(10));
    assert_eq!(
        (written.received, written.hasher.clone().finish()),
        (3_000_000, expected)
    );
    drop(written);
    let again = storage
        .hash_upload("here", &name, None, Algorithm::Sha256)
        .await
        .unwrap();
    assert_eq!(again.unwrap().finish(), expected);
    let longer = storage
        .hash_upload("here", &name, Some(3_000_001), Algorithm::Sha256)
        .await;
    assert!(longer.unwrap().is_none());
    // A writer that gives up leaves what was there.
    let open = storage.append("here", &name, false).await.unwrap();
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(&piece);
    let mut writer = open.writer(hasher).await.unwrap();
    for _ in 0..5 {
        writer.push(piece.clone()).await.unwrap();
    }
    writer.undo().await.unwrap();
    assert_eq!(
        storage.append("here", &name, false).await.unwrap().stored(),
        300_000
    );
    storage.discard("here", &name).await.unwrap();
}
