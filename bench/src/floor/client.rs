//! The clients of the bare loops; as cheap as the registries' clients.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use rustix::net::{RecvFlags, recv};
use sha2::{Digest as _, Sha256};

use crate::error::{Doing as _, Error};
use crate::load::connection::Connection;
use crate::load::content::BlobSource;
use crate::load::measure::{Bounds, Measured, Meter, measure};
use crate::load::message::{Body, Request};

const BUFFER: usize = 256 * 1024;

/// Requests to the bare axum handler.
pub(super) fn answer(
    address: SocketAddr,
    bounds: Bounds,
    meter: &dyn Meter,
) -> Result<Measured, Error> {
    measure(
        bounds,
        meter,
        || Connection::open(address),
        |connection, _| {
            let request = Request::new("GET", "/v2/bench/tags-1/manifests/t000000");
            let response = connection.exchange(&request, Body::Discard)?;
            expect(response.status == 200, "status 200")
        },
    )
}

/// Contents to the push loop. The first one of each connection is checked by its digest.
pub(super) fn push(
    address: SocketAddr,
    size: u64,
    bounds: Bounds,
    meter: &dyn Meter,
) -> Result<Measured, Error> {
    let doing = || "push to the floor".to_owned();
    let source = BlobSource::new(size);
    measure(
        bounds,
        meter,
        || TcpStream::connect(address).doing(doing),
        |stream, number| {
            let blob = source.next();
            stream
                .write_all(&blob.length().to_le_bytes())
                .doing(doing)?;
            for part in blob.parts() {
                stream.write_all(part).doing(doing)?;
            }
            let mut digest = [0; 32];
            stream.read_exact(&mut digest).doing(doing)?;
            let right = number > 0 || Sha256::digest(blob.parts().concat()).as_slice() == digest;
            expect(right, "the digest of the content")
        },
    )
}

/// Orders to the pull loop.
pub(super) fn pull(
    address: SocketAddr,
    size: u64,
    bounds: Bounds,
    meter: &dyn Meter,
) -> Result<Measured, Error> {
    let doing = || "pull from the floor".to_owned();
    measure(
        bounds,
        meter,
        || {
            let stream = TcpStream::connect(address).doing(doing)?;
            Ok((stream, vec![0; BUFFER]))
        },
        |(stream, buffer), _| {
            stream.write_all(b"!").doing(doing)?;
            let mut left = size;
            while left > 0 {
                let window = left.min(BUFFER as u64) as usize;
                let flags = RecvFlags::TRUNC | RecvFlags::WAITALL;
                let (_, count) = recv(&*stream, &mut buffer[..window], flags).doing(doing)?;
                expect(count > 0, "the whole content")?;
                left -= count as u64;
            }
            Ok(())
        },
    )
}

fn expect(right: bool, expected: &str) -> Result<(), Error> {
    if right {
        return Ok(());
    }
    Err(Error::Answer {
        target: "the floor".to_owned(),
        expected: expected.to_owned(),
        got: "something else".to_owned(),
    })
}
