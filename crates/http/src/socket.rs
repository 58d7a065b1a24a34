//! The byte stream under a connection: a TCP socket that replays what was read ahead, sends registered
//! file ranges by `sendfile(2)`, and notes when it makes progress.
//!
//! hyper's HTTP/1 writer hands over the head of an answer and slices of its body in one vectored write.
//! A slice that stands for a part of a file (see [`SendfileRanges`]) goes from the page cache to the
//! socket inside the kernel; what stands before it goes first, with `MSG_MORE`, so that head and file
//! share packets.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use rustix::fs::sendfile;
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use crate::activity::Activity;
use crate::file_body::SendfileRanges;

/// Most bytes that one system call moves, so that one fast client does not hold the thread for long.
const SENDFILE_AT_ONCE: usize = 1024 * 1024;

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Socket {
    tcp: TcpStream,
    read_ahead: Bytes,
    ranges: Arc<SendfileRanges>,
    activity: Arc<Activity>,
}

impl Socket {
    /// `read_ahead` are bytes that were taken from `tcp` already and are to be read first.
    pub(crate) fn new(tcp: TcpStream, read_ahead: Bytes, activity: Arc<Activity>) -> Self {
        Self {
            tcp,
            read_ahead,
            ranges: Arc::default(),
            activity,
        }
    }

    /// The table of file ranges that this socket can send by `sendfile`.
    pub(crate) fn ranges(&self) -> Arc<SendfileRanges> {
        self.ranges.clone()
    }

    fn poll_send_parts(
        &self,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.tcp.poll_write_ready(cx))?;
            match self
                .tcp
                .try_io(Interest::WRITABLE, || self.send_parts(parts))
            {
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                    ) => {}
                done => return Poll::Ready(done),
            }
        }
    }

    /// Sends ordinary bytes up to the first file part, and then of that part as much as goes.
    fn send_parts(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let found = parts
            .iter()
            .enumerate()
            .find_map(|(at, part)| Some((at, self.ranges.find(part)?)));
        let Some((at, file_part)) = found else {
            return Ok(sendmsg(
                &self.tcp,
                parts,
                &mut SendAncillaryBuffer::default(),
                SendFlags::NOSIGNAL,
            )?);
        };
        let mut sent = 0;
        let before: usize = parts[..at].iter().map(|part| part.len()).sum();
        if before > 0 {
            let flags = SendFlags::NOSIGNAL | SendFlags::MORE;
            sent = sendmsg(
                &self.tcp,
                &parts[..at],
                &mut SendAncillaryBuffer::default(),
                flags,
            )?;
            if sent < before {
                return Ok(sent);
            }
        }
        let mut offset = file_part.offset;
        let length = parts[at].len().min(SENDFILE_AT_ONCE);
        match sendfile(&self.tcp, &file_part.file, Some(&mut offset), length) {
            // The head promised more bytes than the file has: the connection must not look complete.
            Ok(0) => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "a file became shorter while it was sent",
            )),
            Ok(moved) => Ok(sent + moved),
            // Reported by the next call, which starts with the file part.
            Err(_) if sent > 0 => Ok(sent),
            // A file system that cannot: the mapped pages are sent like any memory. The kernel reads them,
            // so a missing page is an error here and no signal.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                let part = &parts[at..=at];
                Ok(sendmsg(
                    &self.tcp,
                    part,
                    &mut SendAncillaryBuffer::default(),
                    SendFlags::NOSIGNAL,
                )?)
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.read_ahead.is_empty() {
            let length = this.read_ahead.len().min(buffer.remaining());
            buffer.put_slice(&this.read_ahead[..length]);
            this.read_ahead.advance(length);
            this.activity.bytes_came();
            return Poll::Ready(Ok(()));
        }
        ready!(Pin::new(&mut this.tcp).poll_read(cx, buffer))?;
        this.activity.bytes_came();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let done = if this.ranges.is_empty() {
            Pin::new(&mut this.tcp).poll_write_vectored(cx, parts)
        } else {
            this.poll_send_parts(cx, parts)
        };
        this.activity.write_blocked(done.is_pending());
        done
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(cx)
    }
}
