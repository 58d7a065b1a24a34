//! The database goes away and comes back: clear answers meanwhile, service again afterwards.

use pierhead_testkit::{
    Client, Durability, Image, Pierhead, Postgres, Proxy, Response, Result, eventually,
};

/// 503 in the form of an OCI error.
fn assert_unavailable(answer: &Response) {
    assert_eq!(
        answer.status.as_u16(),
        503,
        "{}: {}",
        answer.request,
        answer.text()
    );
    assert_ne!(
        answer.error_code(),
        "",
        "{}: {}",
        answer.request,
        answer.text()
    );
}

async fn comes_back(client: &Client, image: &Image) -> Result<()> {
    eventually("a pull to work again", || async {
        let answer = client.manifest("GET", "devel/app", "v1").await?;
        assert!(
            matches!(answer.status.as_u16(), 200 | 503),
            "{}: {}",
            answer.status,
            answer.text()
        );
        Ok((answer.status == 200 && answer.body == image.manifest.bytes).then_some(()))
    })
    .await?;
    let fresh = Image::build(102, &[5000]);
    client.push_image("devel/app", "v2", &fresh).await?;
    assert_eq!(
        client.get_manifest("devel/app", "v2").await?.bytes,
        fresh.manifest.bytes
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_get_503_while_the_connections_are_cut_and_work_afterwards() {
    let postgres = Postgres::start(Durability::Off).await.unwrap();
    let database = postgres.empty_database().unwrap();
    let proxy = Proxy::start(postgres.port()).await.unwrap();
    let mut server = Pierhead::builder()
        .database(&database)
        .database_port(proxy.port())
        .start()
        .await
        .unwrap();
    let owner = server.initialize("devel").await.unwrap();
    let client = Client::new(&server, Some(&owner));
    let image = Image::build(101, &[5000, 100]);
    client.push_image("devel/app", "v1", &image).await.unwrap();
    let upload = client.start_upload("devel/app").await.unwrap();

    proxy.cut();
    let pulled = client.manifest("GET", "devel/app", "v1").await.unwrap();
    assert_unavailable(&pulled);
    let begun = client
        .send("POST", "/v2/devel/app/blobs/uploads/")
        .await
        .unwrap();
    assert_unavailable(&begun);
    let health = client.send("GET", "/health/instance").await.unwrap();
    assert_eq!(health.status.as_u16(), 503);
    assert_eq!(
        health.json().unwrap()["data"]["services"]["database"],
        false
    );

    proxy.restore();
    comes_back(&client, &image).await.unwrap();
    // What had begun before goes on.
    let blob = pierhead_testkit::pseudorandom(7, 3000);
    let upload = client.send_chunk(&upload, &blob).await.unwrap();
    client
        .finish_upload(&upload, &pierhead_testkit::digest_of(&blob))
        .await
        .unwrap();
    eventually("the server to be healthy again", || async {
        let health = client.send("GET", "/health/instance").await?;
        Ok((health.status == 200).then_some(()))
    })
    .await
    .unwrap();
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_database_is_survived_without_a_restart_of_the_server() {
    let mut postgres = Postgres::start(Durability::On).await.unwrap();
    let database = postgres.empty_database().unwrap();
    let mut server = Pierhead::builder()
        .database(&database)
        .start()
        .await
        .unwrap();
    let owner = server.initialize("devel").await.unwrap();
    let client = Client::new(&server, Some(&owner));
    let image = Image::build(103, &[5000, 100]);
    client.push_image("devel/app", "v1", &image).await.unwrap();
    let pid = server.pid().unwrap();

    postgres.stop().await.unwrap();
    assert_unavailable(&client.manifest("GET", "devel/app", "v1").await.unwrap());
    let push = client
        .request("PUT", "/v2/devel/app/manifests/v3")
        .unwrap()
        .header("content-type", image.manifest.media_type)
        .body(image.manifest.bytes.clone());
    let refused = client.execute(push).await.unwrap();
    assert_unavailable(&refused);

    postgres.start_again().await.unwrap();
    comes_back(&client, &image).await.unwrap();
    assert_eq!(server.pid().unwrap(), pid);
    server.stop().await.unwrap();
}
