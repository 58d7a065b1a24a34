//! Loopback ports that only one test uses at a time.
//!
//! A port taken by binding to 0 and closing again can be handed to somebody else before the service
//! binds it. These ports lie below the range that Linux hands out by itself (from 32768), and a locked
//! file per port keeps two test processes from choosing the same. The lock ends with the process.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use rustix::fs::{FlockOperation, flock};

use crate::{Error, Result};

const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

/// A port on 127.0.0.1, reserved until this value is dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    /// Reserves a port that nobody listens on.
    pub fn reserve() -> Result<Self> {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let user = rustix::process::geteuid().as_raw();
        let folder = std::env::temp_dir().join(format!("pierhead-testkit-ports-{user}"));
        fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        // Processes start looking at different places, so that they seldom meet.
        let start = (std::process::id() % u32::from(COUNT)) as u16;
        for _ in 0..COUNT {
            let step = NEXT.fetch_add(1, Ordering::Relaxed);
            let number = FIRST + start.wrapping_mul(7).wrapping_add(step) % COUNT;
            let path = folder.join(number.to_string());
            let Ok(lock) = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
            else {
                continue;
            };
            if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok()
                && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok()
            {
                return Ok(Self {
                    number,
                    _lock: lock,
                });
            }
        }
        Err(Error::unexpected(format!(
            "no free port in {FIRST}..{}",
            FIRST + COUNT
        )))
    }

    /// The port's number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// `127.0.0.1:number`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.number)
    }
}
