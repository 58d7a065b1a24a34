//! One registry while it is being measured: its process, its login, its repositories.

pub(crate) mod tagged;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use self::tagged::Tagged;
use crate::disk;
use crate::error::Error;
use crate::load::client::Client;
use crate::load::measure::{Bounds, Measured, Meter, measure};
use crate::peers::{Access, Cluster, Product, start};
use crate::plan::Plan;
use crate::process::Server;
use crate::process::usage::{self, Memory};

/// How long a server may take to come to rest before its idle memory is read.
const REST: Duration = Duration::from_secs(10);

/// A registry that runs.
#[derive(Debug)]
pub(crate) struct Subject {
    /// What runs.
    pub(crate) product: Rc<dyn Product>,
    /// How to log in to it.
    pub(crate) access: Access,
    /// Resident memory in bytes when it had started and come to rest.
    pub(crate) idle_memory: u64,
    server: Server,
    home: PathBuf,
    /// Repositories with many tags, by the number that was asked for; they are filled once.
    tagged: RefCell<BTreeMap<u32, Rc<Tagged>>>,
}

impl Subject {
    /// Starts a registry with fresh data in a folder inside `dir`.
    pub(crate) fn start(product: Rc<dyn Product>, dir: &Path) -> Result<Self, Error> {
        let home = dir.join(product.name());
        let (server, _) = start(&*product, &home)?;
        let access = product.access(&home, server.address())?;
        come_to_rest(server.pid())?;
        let idle_memory = usage::memory(server.pid())?.now;
        Ok(Self {
            product,
            access,
            idle_memory,
            server,
            home,
            tagged: RefCell::default(),
        })
    }

    /// The registry's name.
    pub(crate) fn name(&self) -> &'static str {
        self.product.name()
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// A folder beside its own, for further servers of the same product.
    pub(crate) fn sibling_home(&self, purpose: &str) -> PathBuf {
        self.home
            .with_file_name(format!("{}-{purpose}", self.name()))
    }

    /// Gets the disk ready for a row that will write about `bytes` into this registry.
    pub(crate) fn prepare_disk(&self, plan: &Plan, bytes: u64) -> Result<(), Error> {
        if plan.prepare {
            disk::prepare(&self.home, bytes)?;
        }
        Ok(())
    }

    /// Memory of the process now and at its peak.
    pub(crate) fn memory(&self) -> Result<Memory, Error> {
        usage::memory(self.server.pid())
    }

    /// Ends the registry and returns what is needed to start it again on its data.
    pub(crate) fn stop(self) -> (Rc<dyn Product>, PathBuf) {
        (self.product, self.home)
    }

    /// The `Authorization` header to read and write a repository.
    pub(crate) fn authorization(&self, repository: &str) -> Result<Option<String>, Error> {
        let scope = format!("repository:{repository}:pull,push");
        self.access.authorization(self.address(), Some(&scope))
    }

    /// A client of one repository, which is created where that needs a login.
    pub(crate) fn client(&self, repository: &str) -> Result<Client, Error> {
        Client::open(self.address(), self.authorization(repository)?)
    }

    /// Measures an operation on one repository; every connection gets its own client.
    pub(crate) fn measure(
        &self,
        bounds: Bounds,
        repository: &str,
        operation: impl Fn(&mut Client, u64) -> Result<(), Error> + Sync,
    ) -> Result<Measured, Error> {
        let authorization = self.authorization(repository)?;
        let address = self.address();
        measure(
            bounds,
            &self.meter(),
            || Client::open(address, authorization.clone()),
            operation,
        )
    }

    /// The clocks of its processes.
    pub(crate) fn meter(&self) -> ProcessMeter<'_> {
        ProcessMeter {
            pid: self.server.pid(),
            cluster: self.product.cluster(),
        }
    }

    /// A repository with this many tags, or as many as could be pushed in the plan's time.
    pub(crate) fn tagged(&self, plan: &Plan, count: u32) -> Result<Rc<Tagged>, Error> {
        if let Some(found) = self.tagged.borrow().get(&count) {
            return Ok(Rc::clone(found));
        }
        let filled = Rc::new(Tagged::fill(self, plan, count)?);
        self.tagged.borrow_mut().insert(count, Rc::clone(&filled));
        Ok(filled)
    }
}

/// Reads the clocks of a server process and of the database that works for it.
#[derive(Debug)]
pub(crate) struct ProcessMeter<'a> {
    /// The server.
    pub(crate) pid: u32,
    /// Its database server.
    pub(crate) cluster: Option<&'a Cluster>,
}

impl Meter for ProcessMeter<'_> {
    fn cpu(&self) -> Result<Duration, Error> {
        usage::cpu(self.pid)
    }

    fn database_cpu(&self) -> Result<Option<Duration>, Error> {
        self.cluster.map(Cluster::cpu).transpose()
    }

    fn memory(&self) -> Result<u64, Error> {
        usage::memory(self.pid).map(|memory| memory.now)
    }
}

/// Waits until the process has used no CPU time for half a second.
fn come_to_rest(pid: u32) -> Result<(), Error> {
    let begun = Instant::now();
    let mut last = usage::cpu(pid)?;
    while begun.elapsed() < REST {
        thread::sleep(Duration::from_millis(500));
        let now = usage::cpu(pid)?;
        if now == last {
            break;
        }
        last = now;
    }
    Ok(())
}
