//! One keep-alive HTTP/1.1 connection (RFC 9112), written by hand to cost little.
//!
//! Bodies that nobody looks at are thrown away inside the kernel (`MSG_TRUNC`, tcp(7)), so that
//! receiving 100 MiB does not take a core away from the server that sends it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rustix::net::{RecvFlags, recv};

use super::message::{Body, Request, Response};
use crate::error::{Doing as _, Error};

/// A response head larger than this is refused.
const HEAD_LIMIT: usize = 64 * 1024;
/// A response body that is kept in memory may not be larger than this.
const KEPT_BODY_LIMIT: u64 = 512 * 1024 * 1024;
/// How long a server may be silent.
const SILENCE: Duration = Duration::from_mins(2);
/// Request bodies up to this size travel in the same write as the head.
const JOINED_BODY: usize = 16 * 1024;
const BUFFER: usize = 256 * 1024;

/// How the end of a body is found (RFC 9112 section 6).
enum Framing {
    Length(u64),
    Chunked,
}

/// A connection to a server. It reconnects when the server closed it after the last response.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    host: String,
    stream: TcpStream,
    /// Received bytes that are not used yet: `buffer[start..end]`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    head: Vec<u8>,
    closed: bool,
}

impl Connection {
    /// Connects to a server.
    pub(crate) fn open(address: SocketAddr) -> Result<Self, Error> {
        Ok(Self {
            address,
            host: address.to_string(),
            stream: connect(address)?,
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
            head: Vec::with_capacity(4096),
            closed: false,
        })
    }

    /// Sends a request and receives the response.
    pub(crate) fn exchange(
        &mut self,
        request: &Request<'_>,
        body: Body,
    ) -> Result<Response, Error> {
        if self.closed {
            self.stream = connect(self.address)?;
            (self.start, self.end, self.closed) = (0, 0, false);
        }
        let result = self
            .send(request)
            .and_then(|()| self.receive(request, body));
        // After a failure nobody knows where the next response begins.
        self.closed |= result.is_err();
        result
    }

    fn send(&mut self, request: &Request<'_>) -> Result<(), Error> {
        let length: usize = request.body.iter().map(|part| part.len()).sum();
        self.head.clear();
        let mut line = |parts: &[&str]| {
            for part in parts {
                self.head.extend_from_slice(part.as_bytes());
            }
            self.head.extend_from_slice(b"\r\n");
        };
        line(&[request.method, " ", request.target, " HTTP/1.1"]);
        line(&["Host: ", &self.host]);
        for (name, value) in [
            ("Authorization: ", request.authorization),
            ("Accept: ", request.accept),
            ("Content-Type: ", request.content_type),
            ("Cookie: ", request.session.map(|(cookie, _)| cookie)),
            ("X-CSRF-Token: ", request.session.map(|(_, csrf)| csrf)),
        ] {
            if let Some(value) = value {
                line(&[name, value]);
            }
        }
        if !matches!(request.method, "GET" | "HEAD") {
            line(&["Content-Length: ", &length.to_string()]);
        }
        line(&[]);
        let joined = length <= JOINED_BODY;
        if joined {
            for part in request.body {
                self.head.extend_from_slice(part);
            }
        }
        let doing = || format!("send {} {}", request.method, request.target);
        self.stream.write_all(&self.head).doing(doing)?;
        if !joined {
            for part in request.body {
                self.stream.write_all(part).doing(doing)?;
            }
        }
        Ok(())
    }

    fn receive(&mut self, request: &Request<'_>, body: Body) -> Result<Response, Error> {
        loop {
            let (mut response, framing) = self.receive_head(request)?;
            if (100..200).contains(&response.status) {
                continue;
            }
            let bodiless = request.method == "HEAD" || matches!(response.status, 204 | 304);
            match framing {
                _ if bodiless => {}
                Framing::Length(length) => self.receive_part(&mut response, length, body)?,
                Framing::Chunked => self.receive_chunks(request, &mut response, body)?,
            }
            return Ok(response);
        }
    }

    fn receive_head(&mut self, request: &Request<'_>) -> Result<(Response, Framing), Error> {
        let malformed = |problem: String| Error::Http {
            target: format!("{} {}", request.method, request.target),
            problem,
        };
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 64];
            let mut head = httparse::Response::new(&mut headers);
            let parsed = head
                .parse(&self.buffer[self.start..self.end])
                .map_err(|error| malformed(error.to_string()))?;
            if let httparse::Status::Complete(used) = parsed {
                let mut response = Response {
                    status: head.code.unwrap_or_default(),
                    ..Response::default()
                };
                let mut framing = Framing::Length(0);
                for header in head.headers.iter() {
                    let value = || String::from_utf8_lossy(header.value).into_owned();
                    let is = |name: &str| header.name.eq_ignore_ascii_case(name);
                    if is("content-length") {
                        let length = value()
                            .parse()
                            .map_err(|_| malformed("bad Content-Length".to_owned()))?;
                        framing = Framing::Length(length);
                    } else if is("transfer-encoding") {
                        framing = Framing::Chunked;
                    } else if is("connection") {
                        self.closed |= header.value.eq_ignore_ascii_case(b"close");
                    } else if is("location") {
                        response.location = Some(value());
                    } else if is("docker-content-digest") {
                        response.digest = Some(value());
                    } else if is("link") {
                        response.link = Some(value());
                    } else if is("set-cookie") {
                        response.cookie = value().split(';').next().map(str::to_owned);
                    } else if is("www-authenticate") {
                        response.challenge = Some(value());
                    }
                }
                self.start += used;
                return Ok((response, framing));
            }
            if self.end - self.start > HEAD_LIMIT {
                return Err(malformed("the head is too long".to_owned()));
            }
            self.fill()?;
        }
    }

    /// Receives `length` bytes of a body.
    fn receive_part(
        &mut self,
        response: &mut Response,
        length: u64,
        body: Body,
    ) -> Result<(), Error> {
        if body == Body::Keep && response.length + length > KEPT_BODY_LIMIT {
            return Err(Error::Http {
                target: self.host.clone(),
                problem: format!("a body of {length} bytes is too long to keep"),
            });
        }
        response.length += length;
        let mut left = length;
        while left > 0 {
            if self.start == self.end {
                if body == Body::Discard && left > BUFFER as u64 {
                    left -= self.discard(left)?;
                    continue;
                }
                self.fill()?;
            }
            let take = left.min((self.end - self.start) as u64) as usize;
            if body == Body::Keep {
                response
                    .body
                    .extend_from_slice(&self.buffer[self.start..self.start + take]);
            }
            self.start += take;
            left -= take as u64;
        }
        Ok(())
    }

    /// Receives a chunked body (RFC 9112 section 7.1), trailers included.
    fn receive_chunks(
        &mut self,
        request: &Request<'_>,
        response: &mut Response,
        body: Body,
    ) -> Result<(), Error> {
        loop {
            let line = self.receive_line()?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(size, 16).map_err(|_| Error::Http {
                target: format!("{} {}", request.method, request.target),
                problem: format!("bad chunk size {size:?}"),
            })?;
            if size == 0 {
                while !self.receive_line()?.is_empty() {}
                return Ok(());
            }
            self.receive_part(response, size, body)?;
            self.receive_line()?;
        }
    }

    fn receive_line(&mut self) -> Result<String, Error> {
        loop {
            let waiting = &self.buffer[self.start..self.end];
            if let Some(end) = waiting.windows(2).position(|pair| pair == b"\r\n") {
                let line = String::from_utf8_lossy(&waiting[..end]).into_owned();
                self.start += end + 2;
                return Ok(line);
            }
            if waiting.len() > HEAD_LIMIT {
                return Err(Error::Http {
                    target: self.host.clone(),
                    problem: "a line is too long".to_owned(),
                });
            }
            self.fill()?;
        }
    }

    /// Receives more bytes into the buffer.
    fn fill(&mut self) -> Result<(), Error> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let count = self
            .stream
            .read(&mut self.buffer[self.end..])
            .doing(|| format!("receive from {}", self.host))?;
        self.ended(count)?;
        self.end += count;
        Ok(())
    }

    /// Lets the kernel drop up to `most` received bytes and returns how many it dropped.
    fn discard(&mut self, most: u64) -> Result<u64, Error> {
        let window = most.min(self.buffer.len() as u64) as usize;
        let (_, count) = recv(
            &self.stream,
            &mut self.buffer[..window],
            RecvFlags::TRUNC | RecvFlags::WAITALL,
        )
        .doing(|| format!("receive from {}", self.host))?;
        self.ended(count)?;
        Ok(count as u64)
    }

    fn ended(&mut self, count: usize) -> Result<(), Error> {
        if count > 0 {
            return Ok(());
        }
        self.closed = true;
        Err(Error::Http {
            target: self.host.clone(),
            problem: "the server closed the connection in the middle of a response".to_owned(),
        })
    }
}

fn connect(address: SocketAddr) -> Result<TcpStream, Error> {
    let doing = || format!("connect to {address}");
    let stream = TcpStream::connect(address).doing(doing)?;
    stream.set_nodelay(true).doing(doing)?;
    stream.set_read_timeout(Some(SILENCE)).doing(doing)?;
    stream.set_write_timeout(Some(SILENCE)).doing(doing)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Answers one connection with these bytes, however many requests arrive.
    fn server(answer: Vec<u8>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(&answer).unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest);
        });
        address
    }

    #[test]
    fn a_chunked_body_is_put_together_and_the_next_response_follows() {
        let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
            3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: 1\r\n\r\n\
            HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx";
        let mut connection = Connection::open(server(answer.to_vec())).unwrap();
        let request = Request::new("GET", "/");
        let first = connection.exchange(&request, Body::Keep).unwrap();
        assert_eq!((first.status, first.length), (200, 5));
        assert_eq!(first.body, b"abcde");
        let second = connection.exchange(&request, Body::Keep).unwrap();
        assert_eq!((second.status, second.body.as_slice()), (404, &b"x"[..]));
    }

    #[test]
    fn a_discarded_body_is_counted_and_leaves_the_connection_usable() {
        let size = 3 * BUFFER + 17;
        let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n").into_bytes();
        answer.resize(answer.len() + size, b'z');
        answer.extend_from_slice(b"HTTP/1.1 204 No Content\r\nDocker-Content-Digest: d\r\n\r\n");
        let mut connection = Connection::open(server(answer)).unwrap();
        let request = Request::new("GET", "/");
        let first = connection.exchange(&request, Body::Discard).unwrap();
        assert_eq!(first.length, size as u64);
        assert!(first.body.is_empty());
        let second = connection.exchange(&request, Body::Discard).unwrap();
        assert_eq!(second.status, 204);
        assert_eq!(second.digest.as_deref(), Some("d"));
    }

    #[test]
    fn a_connection_that_ends_early_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
                .unwrap();
        });
        let mut connection = Connection::open(address).unwrap();
        let result = connection.exchange(&Request::new("GET", "/"), Body::Keep);
        assert!(matches!(result, Err(Error::Http { .. })));
    }
}
