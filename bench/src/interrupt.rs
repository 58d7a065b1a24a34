//! Ctrl-C and SIGTERM end the run in order: servers are stopped and the run's data is removed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

use crate::error::{Doing as _, Error};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Starts to listen for both signals. The thread that listens lives as long as the process.
pub(crate) fn listen() -> Result<(), Error> {
    let doing = || "listen for Ctrl-C and SIGTERM".to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .doing(doing)?;
    let entered = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt()).doing(doing)?;
    let mut terminate = signal(SignalKind::terminate()).doing(doing)?;
    drop(entered);
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        INTERRUPTED.store(true, Ordering::Relaxed);
    });
    Ok(())
}

/// Fails once the run was told to end.
pub(crate) fn check() -> Result<(), Error> {
    if INTERRUPTED.load(Ordering::Relaxed) {
        Err(Error::Interrupted)
    } else {
        Ok(())
    }
}
