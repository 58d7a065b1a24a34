//! The bare loops themselves.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use rustix::fs::sendfile;
use sha2::{Digest as _, Sha256};

use crate::arguments::FloorWork;
use crate::error::{Doing as _, Error};
use crate::load::content::BlobSource;

const BUFFER: usize = 256 * 1024;
/// As long as the manifests of the manifest rows.
const ANSWER: &str = match std::str::from_utf8(&[b'x'; 600]) {
    Ok(text) => text,
    Err(_) => "",
};

/// Serves one kind of work until the process is ended.
pub(crate) fn serve(
    work: FloorWork,
    address: SocketAddr,
    dir: &Path,
    size: u64,
) -> Result<(), Error> {
    match work {
        FloorWork::Answer => answer(address),
        FloorWork::Push => {
            let files = AtomicU64::new(0);
            each_connection(address, |stream| {
                receive(stream, || {
                    dir.join(files.fetch_add(1, Ordering::Relaxed).to_string())
                })
            })
        }
        FloorWork::Pull => {
            let path = dir.join("blob");
            let doing = || format!("write {}", path.display());
            let mut file = File::create(&path).doing(doing)?;
            // In the pieces in which a server receives it: they decide how the page cache looks.
            for part in BlobSource::new(size).next().parts() {
                for piece in part.chunks(BUFFER) {
                    file.write_all(piece).doing(doing)?;
                }
            }
            file.sync_all().doing(doing)?;
            each_connection(address, |stream| send(stream, &path, size))
        }
    }
}

fn answer(address: SocketAddr) -> Result<(), Error> {
    let doing = || "run the bare handler".to_owned();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .doing(doing)?;
    let app = axum::Router::new().fallback(|| async { ANSWER });
    runtime.block_on(async {
        use axum::serve::ListenerExt as _;
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .doing(doing)?
            .tap_io(|stream| {
                // Without it the answers are still right, only later.
                let _ = stream.set_nodelay(true);
            });
        axum::serve(listener, app).await.doing(doing)
    })
}

/// Runs `work` for every connection in a thread of its own.
fn each_connection(
    address: SocketAddr,
    work: impl Fn(TcpStream) -> Result<(), Error> + Sync,
) -> Result<(), Error> {
    let listener = TcpListener::bind(address).doing(|| format!("listen on {address}"))?;
    thread::scope(|scope| {
        for stream in listener.incoming() {
            let stream = stream.doing(|| format!("accept on {address}"))?;
            let work = &work;
            scope.spawn(move || {
                if let Err(error) = work(stream) {
                    eprintln!("{error}");
                }
            });
        }
        Ok(())
    })
}

/// Receives, hashes and writes contents until the client goes.
fn receive(mut stream: TcpStream, next_path: impl Fn() -> PathBuf) -> Result<(), Error> {
    let receiving = || "receive".to_owned();
    let mut buffer = vec![0; BUFFER];
    let mut length = [0; 8];
    while stream.read_exact(&mut length).is_ok() {
        let mut left = u64::from_le_bytes(length);
        let path = next_path();
        let writing = || format!("write {}", path.display());
        let mut file = File::create(&path).doing(writing)?;
        let mut hasher = Sha256::new();
        while left > 0 {
            let window = left.min(BUFFER as u64) as usize;
            let count = stream.read(&mut buffer[..window]).doing(receiving)?;
            if count == 0 {
                return Ok(());
            }
            hasher.update(&buffer[..count]);
            file.write_all(&buffer[..count]).doing(writing)?;
            left -= count as u64;
        }
        file.sync_all().doing(writing)?;
        if let Some(folder) = path.parent() {
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .doing(writing)?;
        }
        stream.write_all(&hasher.finalize()).doing(receiving)?;
    }
    Ok(())
}

/// Sends the file for every byte that arrives.
fn send(mut stream: TcpStream, path: &Path, size: u64) -> Result<(), Error> {
    let mut order = [0; 1];
    while stream.read_exact(&mut order).is_ok() {
        let file = File::open(path).doing(|| format!("open {}", path.display()))?;
        let mut offset = 0;
        while offset < size {
            let left = (size - offset) as usize;
            let sent =
                sendfile(&stream, &file, Some(&mut offset), left).doing(|| "send".to_owned())?;
            if sent == 0 {
                return Ok(());
            }
        }
    }
    Ok(())
}
