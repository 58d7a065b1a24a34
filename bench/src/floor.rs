//! The floor: bare loops that do only what must be done, to compare big rows with.
//!
//! A loop runs in a process of its own (the benchmark executes itself again), so that its CPU is
//! counted exactly as a registry's is. It speaks no HTTP, except for the bare axum handler:
//!
//! * `push`: the client sends a length (8 bytes, little endian) and the content; the loop answers
//!   with the SHA-256 once the content is in a synced file in a synced folder;
//! * `pull`: the client sends one byte; the loop answers with the file;
//! * `answer`: any HTTP request gets the same small body.

mod client;
mod server;

use std::path::Path;
use std::process::Command;

use crate::arguments::FloorWork;
use crate::cases::Floor;
use crate::disk;
use crate::error::{Doing as _, Error};
use crate::figures::Figures;
use crate::plan::Plan;
use crate::process::{Server, free_address};
use crate::subject::ProcessMeter;

pub(crate) use self::server::serve;

/// Runs a bare loop in a child process and measures it.
pub(crate) fn measure(plan: &Plan, floor: Floor, dir: &Path) -> Result<Figures, Error> {
    let Floor { work, size, bounds } = floor;
    let home = dir.join(format!("floor-{work:?}"));
    std::fs::create_dir_all(&home).doing(|| format!("create the folder {}", home.display()))?;
    let program = std::env::current_exe().doing(|| "find the benchmark itself".to_owned())?;
    let address = free_address()?;
    let mut command = Command::new(program);
    let name = match work {
        FloorWork::Answer => "answer",
        FloorWork::Push => "push",
        FloorWork::Pull => "pull",
    };
    command
        .args(["floor", name, &address.to_string()])
        .arg(&home)
        .arg(size.to_string());
    let mut server = Server::start("floor", command, address, &home)?;
    server.wait_until(|address| std::net::TcpStream::connect(address).is_ok())?;
    if work == FloorWork::Push && plan.prepare {
        disk::prepare(&home, bounds.at_most.saturating_mul(size))?;
    }
    let meter = ProcessMeter {
        pid: server.pid(),
        cluster: None,
    };
    let measured = match work {
        FloorWork::Answer => client::answer(address, bounds, &meter),
        FloorWork::Push => client::push(address, size, bounds, &meter),
        FloorWork::Pull => client::pull(address, size, bounds, &meter),
    };
    drop(server);
    // What it wrote would only take room from the registries.
    std::fs::remove_dir_all(&home).doing(|| format!("remove the folder {}", home.display()))?;
    measured.map(Figures::from)
}
