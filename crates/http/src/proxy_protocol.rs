//! The PROXY protocol header, versions 1 and 2, by which a TCP balancer tells the client's address.
//!
//! Follows the specification by `HAProxy` (`proxy-protocol.txt`). The header must be the first thing on the
//! connection and is bounded; a connection without a valid one is refused, because accepting both would let
//! anyone who reaches the port invent addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// First bytes of version 2.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Longest line of version 1, line end included (specification, section 2.1).
const LONGEST_LINE: usize = 107;
/// Longest version 2 header accepted: addresses take 36 bytes, the rest is for type-length-value fields.
const LONGEST_BINARY: usize = 16 + 2048;
/// No header is longer.
pub(crate) const LONGEST: usize = LONGEST_BINARY;

/// What a complete header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// Bytes of the header; what follows belongs to the connection.
    pub(crate) length: usize,
    /// The client's address; `None` when the balancer speaks for itself (health checks).
    pub(crate) client: Option<IpAddr>,
}

/// Why a connection is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Invalid {
    #[error(
        "the connection does not start with a PROXY protocol header; only the balancer may connect to this port"
    )]
    Missing,
    #[error("the PROXY protocol header is malformed")]
    Malformed,
    #[error("the PROXY protocol header is longer than {LONGEST} bytes")]
    TooLong,
}

/// Reads a header from the first bytes of a connection. `Ok(None)`: more bytes are needed.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Header>, Invalid> {
    let starts_like = |start: &[u8]| bytes.iter().zip(start).all(|(have, want)| have == want);
    if starts_like(SIGNATURE) {
        binary(bytes)
    } else if starts_like(b"PROXY ") {
        line(bytes)
    } else {
        Err(Invalid::Missing)
    }
}

fn line(bytes: &[u8]) -> Result<Option<Header>, Invalid> {
    let Some(end) = bytes
        .iter()
        .take(LONGEST_LINE)
        .position(|byte| *byte == b'\n')
    else {
        return if bytes.len() < LONGEST_LINE {
            Ok(None)
        } else {
            Err(Invalid::Malformed)
        };
    };
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| Invalid::Malformed)?;
    let mut words = text
        .strip_suffix('\r')
        .ok_or(Invalid::Malformed)?
        .split(' ')
        .skip(1);
    let header = |client| {
        Ok(Some(Header {
            length: end + 1,
            client,
        }))
    };
    let family = words.next().ok_or(Invalid::Malformed)?;
    if family == "UNKNOWN" {
        return header(None);
    }
    let words: Vec<_> = words.collect();
    let [source, destination, source_port, destination_port] = words[..] else {
        return Err(Invalid::Malformed);
    };
    for port in [source_port, destination_port] {
        port.parse::<u16>().map_err(|_| Invalid::Malformed)?;
    }
    let address = |text: &str| -> Result<IpAddr, Invalid> {
        match family {
            "TCP4" => text
                .parse::<Ipv4Addr>()
                .map(IpAddr::V4)
                .map_err(|_| Invalid::Malformed),
            "TCP6" => text
                .parse::<Ipv6Addr>()
                .map(IpAddr::V6)
                .map_err(|_| Invalid::Malformed),
            _ => Err(Invalid::Malformed),
        }
    };
    address(destination)?;
    header(Some(address(source)?.to_canonical()))
}

fn binary(bytes: &[u8]) -> Result<Option<Header>, Invalid> {
    let Some(&[.., command, family, high, low]) = bytes.first_chunk::<16>() else {
        return Ok(None);
    };
    let rest = usize::from(u16::from_be_bytes([high, low]));
    let length = 16 + rest;
    if length > LONGEST_BINARY {
        return Err(Invalid::TooLong);
    }
    let Some(fields) = bytes.get(16..length) else {
        return Ok(None);
    };
    let client = match (command, family >> 4) {
        // The balancer itself, an unknown family, or a Unix socket: no address that could be a client's.
        (0x20, _) | (0x21, 0 | 3) => None,
        (0x21, 1) => {
            let source = fields
                .first_chunk::<12>()
                .and_then(|fields| fields.first_chunk::<4>());
            Some(IpAddr::from(*source.ok_or(Invalid::Malformed)?))
        }
        (0x21, 2) => {
            let source = fields
                .first_chunk::<36>()
                .and_then(|fields| fields.first_chunk::<16>());
            Some(IpAddr::from(*source.ok_or(Invalid::Malformed)?).to_canonical())
        }
        _ => return Err(Invalid::Malformed),
    };
    Ok(Some(Header { length, client }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn v2(command: u8, family: u8, fields: &[u8]) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([command, family]);
        bytes.extend((fields.len() as u16).to_be_bytes());
        bytes.extend(fields);
        bytes
    }

    #[test]
    fn a_line_gives_the_client_and_leaves_what_follows() {
        let bytes = b"PROXY TCP4 203.0.113.7 10.0.0.1 4711 7443\r\n\x16\x03\x01";
        let header = parse(bytes).unwrap().unwrap();
        assert_eq!(header.client, Some("203.0.113.7".parse().unwrap()));
        assert_eq!(&bytes[header.length..], b"\x16\x03\x01");
        let v6 = parse(b"PROXY TCP6 2001:db8::7 ::1 1 2\r\n")
            .unwrap()
            .unwrap();
        assert_eq!(v6.client, Some("2001:db8::7".parse().unwrap()));
    }

    #[test]
    fn the_balancer_may_speak_for_itself() {
        assert_eq!(parse(b"PROXY UNKNOWN\r\n").unwrap().unwrap().client, None);
        assert_eq!(
            parse(&v2(0x20, 0, &[])).unwrap().unwrap(),
            Header {
                length: 16,
                client: None
            }
        );
    }

    #[test]
    fn a_binary_header_gives_the_client_and_its_extra_fields_are_skipped() {
        let mut fields = vec![203, 0, 113, 7, 10, 0, 0, 1, 0, 1, 0, 2];
        fields.extend([4, 0, 1, 9]);
        let header = parse(&v2(0x21, 0x11, &fields)).unwrap().unwrap();
        assert_eq!(
            header,
            Header {
                length: 32,
                client: Some("203.0.113.7".parse().unwrap())
            }
        );
        let mut fields = vec![0; 36];
        fields[15] = 1;
        assert_eq!(
            parse(&v2(0x21, 0x21, &fields)).unwrap().unwrap().client,
            Some("::1".parse().unwrap())
        );
    }

    #[test]
    fn every_beginning_of_a_header_asks_for_more() {
        for whole in [
            b"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n".to_vec(),
            v2(0x21, 0x11, &[1; 12]),
        ] {
            for end in 0..whole.len() {
                assert_eq!(parse(&whole[..end]), Ok(None), "{end}");
            }
            assert!(parse(&whole).unwrap().is_some());
        }
    }

    #[test]
    fn anything_else_is_refused() {
        assert_eq!(parse(b"GET / HTTP/1.1\r\n"), Err(Invalid::Missing));
        assert_eq!(parse(&[b'P'; 200]), Err(Invalid::Missing));
        for bad in [
            "PROXY TCP4 1.2.3.4 5.6.7.8 9\r\n",
            "PROXY TCP4 ::1 ::2 9 10\r\n",
            "PROXY TCP5 1.2.3.4 5.6.7.8 9 10\r\n",
            "PROXY TCP4 1.2.3.4 5.6.7.8 9 99999\r\n",
            "PROXY TCP4 1.2.3.4 5.6.7.8 9 10\n",
        ] {
            assert_eq!(parse(bad.as_bytes()), Err(Invalid::Malformed), "{bad}");
        }
        assert_eq!(
            parse(format!("PROXY {}", "x".repeat(200)).as_bytes()),
            Err(Invalid::Malformed)
        );
        assert_eq!(parse(&v2(0x31, 0x11, &[0; 12])), Err(Invalid::Malformed));
        assert_eq!(parse(&v2(0x21, 0x11, &[0; 11])), Err(Invalid::Malformed));
        assert_eq!(
            parse(&v2(0x21, 0x11, &[0; 4000])[..16]),
            Err(Invalid::TooLong)
        );
    }
}
