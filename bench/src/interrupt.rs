//! Ctrl-C ends the run in order: servers are stopped and the run's data is removed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::error::{Doing as _, Error};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Starts to listen for Ctrl-C. The thread that listens lives as long as the process.
pub(crate) fn listen() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .doing(|| "listen for Ctrl-C".to_owned())?;
    thread::spawn(move || {
        if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            INTERRUPTED.store(true, Ordering::Relaxed);
        }
    });
    Ok(())
}

/// Fails once the person has pressed Ctrl-C.
pub(crate) fn check() -> Result<(), Error> {
    if INTERRUPTED.load(Ordering::Relaxed) {
        Err(Error::Interrupted)
    } else {
        Ok(())
    }
}
