//! Answers with the bytes of a file, by the cheapest way the connection allows.
//!
//! * up to [`SMALL`]: read once and sent as ordinary bytes;
//! * on plain HTTP/1: `sendfile(2)` from the page cache, see [`mapping`] for how;
//! * on TLS and HTTP/2: read in chunks of [`CHUNK`], the next one while the last is being sent.
//!
//! Reads never wait for the disk on a runtime thread: what is in the page cache is taken at once
//! (`RWF_NOWAIT`), anything else is fetched on the blocking pool. Memory per answer is bounded by two
//! chunks, whatever the size of the file.

mod mapping;
mod ranges;

use std::fs::File;
use std::future::Future;
use std::io::{self, IoSliceMut};
use std::num::NonZeroU64;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use rustix::fs::{Advice, fadvise};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use tokio::task::JoinHandle;

use mapping::Mapping;
pub(crate) use ranges::SendfileRanges;

/// Slices up to this size are read and sent as ordinary bytes: a mapping costs more than the copy.
const SMALL: u64 = 64 * 1024;
/// Bytes read at a time where `sendfile` cannot be used.
const CHUNK: u64 = 256 * 1024;
/// Bytes handed to the connection at a time for `sendfile`; also the window fetched ahead from a cold disk.
const PIECE: u64 = 4 * 1024 * 1024;

/// A part of an open file to be sent as a body.
///
/// The file must not be changed or shortened while it is being sent; stored blobs never are. Conditional
/// requests, `HEAD` and ranges are the caller's business: it says where the part starts and how long it is.
#[derive(Debug, Clone)]
pub struct FileSlice {
    file: Arc<File>,
    offset: u64,
    length: u64,
}

impl FileSlice {
    /// `length` bytes of `file` from `offset`, both in bytes.
    pub fn new(file: Arc<File>, offset: u64, length: u64) -> Self {
        Self {
            file,
            offset,
            length,
        }
    }

    /// Number of bytes in the slice.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The body that sends the slice. Its exact size is known, so the answer gets a `Content-Length`.
    pub fn into_body(self) -> axum::body::Body {
        axum::body::Body::new(FileBody {
            slice: self,
            way: Way::Undecided,
        })
    }
}

impl IntoResponse for FileSlice {
    fn into_response(self) -> Response {
        Response::new(self.into_body())
    }
}

/// The body of a [`FileSlice`]. A file that turns out shorter than promised ends it with an error.
#[derive(Debug)]
pub struct FileBody {
    /// What has not been handed out yet.
    slice: FileSlice,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// Not polled yet, so the connection is not known.
    Undecided,
    /// Slices of one mapping that the socket sends by `sendfile`.
    Sendfile {
        bytes: Bytes,
        warming: Option<JoinHandle<()>>,
    },
    /// The read that is under way; it starts where `slice` starts.
    Read {
        next: Option<JoinHandle<io::Result<Bytes>>>,
    },
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        if this.slice.length == 0 {
            return Poll::Ready(None);
        }
        let chunk = loop {
            match &mut this.way {
                Way::Undecided => this.way = this.slice.choose_way(),
                Way::Sendfile { bytes, warming } => {
                    break ready!(this.slice.poll_piece(bytes, warming, cx));
                }
                Way::Read { next } => match ready!(this.slice.poll_read(next, cx)) {
                    Ok(chunk) => break chunk,
                    Err(error) => {
                        this.slice.length = 0;
                        return Poll::Ready(Some(Err(error)));
                    }
                },
            }
        };
        this.slice.advance(chunk.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.slice.length == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.slice.length)
    }
}

impl FileSlice {
    fn advance(&mut self, sent: u64) {
        self.offset += sent;
        self.length -= sent;
    }

    fn choose_way(&self) -> Way {
        if self.length > SMALL
            && let Some(ranges) = SendfileRanges::current()
            && let Ok(length) = usize::try_from(self.length)
        {
            match Mapping::new(&self.file, self.offset, length) {
                Ok(mapping) => {
                    ranges.register(mapping.as_ref(), self.file.clone(), self.offset);
                    let bytes = Bytes::from_owner(Registered { mapping, ranges });
                    return Way::Sendfile {
                        bytes,
                        warming: None,
                    };
                }
                // A file system without mapping, or a limit of the process: reading always works.
                Err(error) => {
                    tracing::debug!(%error, "a file could not be mapped, it is read instead");
                }
            }
        }
        Way::Read { next: None }
    }

    /// The next piece for `sendfile`, once it is (probably) in the page cache.
    fn poll_piece(
        &self,
        bytes: &mut Bytes,
        warming: &mut Option<JoinHandle<()>>,
        cx: &mut Context<'_>,
    ) -> Poll<Bytes> {
        let length = self.length.min(PIECE);
        if warming.is_none() && !self.is_resident(length) {
            let slice = self.clone();
            *warming = Some(tokio::task::spawn_blocking(move || slice.fetch(length)));
        }
        if let Some(handle) = warming {
            // What went wrong here goes wrong again in sendfile, which reports it.
            let _ = ready!(Pin::new(handle).poll(cx));
            *warming = None;
        }
        Poll::Ready(bytes.split_to(length as usize))
    }

    /// Whether the first `length` bytes look as if they were in the page cache: three bytes are tried.
    fn is_resident(&self, length: u64) -> bool {
        [0, length / 2, length - 1].into_iter().all(|into| {
            let mut byte = [0];
            let mut buffers = [IoSliceMut::new(&mut byte)];
            let read = preadv2(
                &self.file,
                &mut buffers,
                self.offset + into,
                ReadWriteFlags::NOWAIT,
            );
            // File systems that cannot tell say so; then sendfile just tries.
            read != Err(Errno::AGAIN)
        })
    }

    /// Brings the first `length` bytes into the page cache and asks for as many behind them. Blocks.
    fn fetch(&self, length: u64) {
        // Advice may be refused; the reads below still fetch what is needed now.
        let _ = fadvise(
            &self.file,
            self.offset,
            NonZeroU64::new(length * 2),
            Advice::WillNeed,
        );
        for into in (0..length).step_by(128 * 1024).chain([length - 1]) {
            if self.file.read_at(&mut [0], self.offset + into).is_err() {
                return;
            }
        }
    }

    fn poll_read(
        &self,
        next: &mut Option<JoinHandle<io::Result<Bytes>>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Bytes>> {
        if next.is_none() {
            match self.read_resident() {
                Ok(Some(chunk)) => return Poll::Ready(Ok(chunk)),
                Ok(None) => *next = Some(self.read_blocking()),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        let Some(handle) = next else {
            return Poll::Pending;
        };
        let chunk = ready!(Pin::new(handle).poll(cx)).map_err(io::Error::other)??;
        let mut rest = self.clone();
        rest.advance(chunk.len() as u64);
        // The disk was slow for this one, so the next is started while this one is sent.
        *next = (rest.length > 0).then(|| rest.read_blocking());
        Poll::Ready(Ok(chunk))
    }

    /// The next chunk if it can be had without waiting for the disk.
    fn read_resident(&self) -> io::Result<Option<Bytes>> {
        let mut buffer = vec![0; self.length.min(CHUNK) as usize];
        let mut buffers = [IoSliceMut::new(&mut buffer)];
        match preadv2(
            &self.file,
            &mut buffers,
            self.offset,
            ReadWriteFlags::NOWAIT,
        ) {
            Ok(0) => Err(self.too_short()),
            Ok(read) => {
                buffer.truncate(read);
                Ok(Some(buffer.into()))
            }
            Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::INTR | Errno::NOSYS) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn read_blocking(&self) -> JoinHandle<io::Result<Bytes>> {
        let slice = self.clone();
        tokio::task::spawn_blocking(move || {
            let mut buffer = vec![0; slice.length.min(CHUNK) as usize];
            slice
                .file
                .read_exact_at(&mut buffer, slice.offset)
                .map_err(|error| match error.kind() {
                    io::ErrorKind::UnexpectedEof => slice.too_short(),
                    _ => error,
                })?;
            Ok(buffer.into())
        })
    }

    fn too_short(&self) -> io::Error {
        let message = format!(
            "the file ends before offset {} that was to be sent",
            self.offset + self.length
        );
        io::Error::new(io::ErrorKind::UnexpectedEof, message)
    }
}

/// A mapping that the socket of one connection knows while it lives.
#[derive(Debug)]
struct Registered {
    mapping: Mapping,
    ranges: Arc<SendfileRanges>,
}

impl AsRef<[u8]> for Registered {
    fn as_ref(&self) -> &[u8] {
        self.mapping.as_ref()
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        // Before the addresses can be given to somebody else.
        self.ranges.remove(self.mapping.as_ref());
    }
}
