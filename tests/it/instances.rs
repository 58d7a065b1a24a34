//! Several instances of one installation, and a pooler between them and the database.

use pierhead_testkit::{
    Client, Durability, Image, PgBouncer, Pierhead, Postgres, Sandbox, eventually,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_that_start_at_once_migrate_once() {
    let postgres = Postgres::shared().await.unwrap();
    let database = postgres.empty_database().unwrap();
    let start = || {
        Pierhead::builder()
            .database(&database)
            .hostname("registry.example")
            .start()
    };
    let (one, two) = tokio::join!(start(), start());
    let (mut one, mut two) = (one.unwrap(), two.unwrap());
    assert_eq!(
        database
            .sql("select count(*) from alembic_version")
            .unwrap(),
        "1"
    );
    // Rows of an enumeration are there once.
    let kinds = database
        .sql("select count(*), count(distinct name) from visibility")
        .unwrap();
    assert_eq!(kinds, "2|2");
    one.stop().await.unwrap();
    two.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_pull_through_any_instance_sees_a_push_through_another() {
    let postgres = Postgres::shared().await.unwrap();
    let database = postgres.empty_database().unwrap();
    let folder = Sandbox::new().unwrap();
    let start = |hostname: String| {
        Pierhead::builder()
            .database(&database)
            .data(folder.path("shared"))
            .hostname(&hostname)
            .start()
    };
    // The name of the installation is the address of one instance, so that its realm can be reached.
    let port = pierhead_testkit::Port::reserve().unwrap();
    let mut one = Pierhead::builder()
        .database(&database)
        .data(folder.path("shared"))
        .listen(Some(&port.address()))
        .hostname(&port.address())
        .start()
        .await
        .unwrap();
    let mut two = start(port.address()).await.unwrap();
    let owner = one.initialize("devel").await.unwrap();
    let (first, second) = (
        Client::new(&one, Some(&owner)),
        Client::new(&two, Some(&owner)),
    );
    for seed in 0..20 {
        let image = Image::build(200 + seed, &[300]);
        let (writer, reader) = if seed % 2 == 0 {
            (&first, &second)
        } else {
            (&second, &first)
        };
        writer
            .push_image("devel/moving", "latest", &image)
            .await
            .unwrap();
        let pulled = reader.get_manifest("devel/moving", "latest").await.unwrap();
        assert_eq!(
            pulled.bytes, image.manifest.bytes,
            "push {seed} was not seen"
        );
    }
    first
        .manifest("DELETE", "devel/moving", "latest")
        .await
        .unwrap();
    assert_eq!(
        second
            .manifest("GET", "devel/moving", "latest")
            .await
            .unwrap()
            .status,
        404
    );
    one.stop().await.unwrap();
    two.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_that_lends_connections_per_transaction_is_enough() {
    serve_behind_a_pooler(&[]).await;
}

/// The pooler is noticed although it lets the setting pass by which it would be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_that_drops_startup_options_is_enough() {
    serve_behind_a_pooler(&["options", "search_path"]).await;
}

async fn serve_behind_a_pooler(ignored: &[&str]) {
    let postgres = Postgres::start(Durability::Off).await.unwrap();
    let database = postgres.empty_database().unwrap();
    // Fewer server connections than clients: two requests of a client meet different ones.
    let bouncer = PgBouncer::start(&postgres, 3, ignored).await.unwrap();
    let mut server = Pierhead::builder()
        .database(&database)
        .database_port(bouncer.port())
        .start()
        .await
        .unwrap();
    let owner = server.initialize("devel").await.unwrap();
    let pushes: Vec<_> = (0..8)
        .map(|number| {
            let client = Client::new(&server, Some(&owner));
            tokio::spawn(async move {
                let repository = format!("devel/pooled-{number}");
                for seed in 0..5 {
                    let image = Image::build(300 + number * 10 + seed, &[500, 50]);
                    client.push_image(&repository, "latest", &image).await?;
                    let served = client.get_manifest(&repository, "latest").await?;
                    assert_eq!(served.bytes, image.manifest.bytes);
                }
                assert_eq!(client.tags(&repository).await?, ["latest"]);
                Ok::<_, pierhead_testkit::Error>(())
            })
        })
        .collect();
    for push in pushes {
        push.await.unwrap().unwrap();
    }
    eventually("the index of tag names to be built", || async {
        let valid =
            "select indisvalid from pg_index where indexrelid = to_regclass('pierhead_tag_name')";
        Ok((database.sql(valid)? == "t").then_some(()))
    })
    .await
    .unwrap();
    server.stop().await.unwrap();
}
