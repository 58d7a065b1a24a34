//! SIGTERM: nobody new is let in, what was begun is finished, then the process ends.

use pierhead_testkit::{Client, Engine, Pierhead, digest_of, eventually, pseudorandom};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_that_was_begun_before_sigterm_is_finished_and_kept() {
    let mut server = Pierhead::start(Engine::Sqlite).await.unwrap();
    let owner = server.initialize("devel").await.unwrap();
    let client = Client::new(&server, Some(&owner));
    let token = client
        .token(&["repository:devel/app:pull,push"])
        .await
        .unwrap();
    let blob = pseudorandom(170, 3_000_000);
    let (first, second) = blob.split_at(blob.len() / 2);
    let host = server.host().to_owned();

    let mut push = TcpStream::connect(&host).await.unwrap();
    let head = format!(
        "POST /v2/devel/app/blobs/uploads/?digest={} HTTP/1.1\r\nHost: {host}\r\n\
         Authorization: Bearer {token}\r\nContent-Length: {}\r\n\
         Expect: 100-continue\r\nConnection: close\r\n\r\n",
        digest_of(&blob),
        blob.len(),
    );
    push.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body: from here on the push is under way.
    let mut go_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    push.read_exact(&mut go_on).await.unwrap();
    assert!(go_on.starts_with(b"HTTP/1.1 100 "));
    push.write_all(first).await.unwrap();

    let finished = async {
        eventually("new connections to be refused", || async {
            Ok(TcpStream::connect(&host).await.is_err().then_some(()))
        })
        .await?;
        push.write_all(second).await.unwrap();
        let mut answer = String::new();
        push.read_to_string(&mut answer).await.unwrap();
        Ok::<_, pierhead_testkit::Error>(answer)
    };
    let (stopped, answer) = tokio::join!(server.stop(), finished);
    let answer = answer.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    stopped.unwrap();

    server.restart().await.unwrap();
    let kept = client
        .reconnected()
        .get_blob("devel/app", &digest_of(&blob))
        .await
        .unwrap();
    assert!(kept == blob, "{} other bytes", kept.len());
    server.stop().await.unwrap();
}
