//! The only `unsafe` module of the workspace: an address range that stands for a part of a file.
//!
//! hyper passes a body on as `Bytes`, that is, as memory. To let a file travel through it without
//! being read, [`Mapping`] maps the part of the file read-only and shared, and never touches the
//! pages: the socket recognises the addresses (see [`super::ranges`]) and calls `sendfile(2)` with
//! the file and offset that they stand for. Code that does read the bytes (a middleware that
//! transforms bodies, say) sees the right content, only slower.
//!
//! Invariants:
//! * the mapping lives as long as the value, which `Bytes::from_owner` keeps as long as any slice;
//! * it is mapped `PROT_READ`, so nothing in the process can write through it;
//! * the file is immutable and is not shortened while it is being sent. That is the contract of
//!   [`super::FileSlice`]: blobs are written under another name, synced and then linked. Reading a
//!   page behind the end of a shortened file would raise `SIGBUS`; `sendfile`, the only reader on
//!   the normal path, reports the short file as an error instead.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::ptr::null_mut;

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// Mappings start at a multiple of this: every page size of Linux divides it.
const ALIGNMENT: u64 = 64 * 1024;

/// A read-only shared mapping of `length` bytes of a file.
#[derive(Debug)]
pub(super) struct Mapping {
    /// Start of the mapping, on a page boundary.
    base: *mut c_void,
    /// Bytes between `base` and the first byte wanted: files are mapped from [`ALIGNMENT`].
    lead: usize,
    length: usize,
}

// SAFETY: the mapping is read-only memory owned by this value alone; `base` is not tied to a thread.
unsafe impl Send for Mapping {}
// SAFETY: as above; shared access only reads.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Reserves the address range. No page of the file is read.
    ///
    /// `length` must not be zero: the kernel refuses it.
    pub(super) fn new(file: &File, offset: u64, length: usize) -> io::Result<Self> {
        let lead = (offset % ALIGNMENT) as usize;
        let whole = lead
            .checked_add(length)
            .ok_or(io::ErrorKind::InvalidInput)?;
        // SAFETY: the kernel chooses the address (null hint, no MAP_FIXED), so no existing memory
        // is replaced; the arguments are otherwise checked by the kernel.
        let base = unsafe {
            mmap(
                null_mut(),
                whole,
                ProtFlags::READ,
                MapFlags::SHARED,
                file,
                offset - lead as u64,
            )
        }?;
        Ok(Self { base, lead, length })
    }
}

impl AsRef<[u8]> for Mapping {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: `base + lead .. + length` lies inside the mapping made in `new`, which is readable
        // and alive until drop; u8 has no alignment or validity demands; see the module's head for
        // why the bytes do not change.
        unsafe { std::slice::from_raw_parts(self.base.cast::<u8>().add(self.lead), self.length) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly the range mapped in `new`, and no borrow outlives `self`.
        // An error is impossible for such a range, and there is nobody to tell in a destructor.
        let _ = unsafe { munmap(self.base, self.lead + self.length) };
    }
}
