//! The page as a device of `parity`: `prenda-serve` between two buffers.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::convert::Infallible;

use embedded_io::{ErrorType, Read, Write};
use prenda::{BlobError, HostWorkspace, Model};
use prenda_serve::{Identity, Server, load_model};

const IDENTITY: Identity = Identity::new("wasm", "wasm32");

/// Longest frame in bytes, as on `loopback`.
const FRAME_BYTES: usize = 32_768;

type Parsed = (&'static Model<'static>, &'static mut HostWorkspace);

/// A server with its model. It lives as long as the page, like the program of a board.
#[derive(Debug)]
pub struct Device(Server<'static, Parsed, FRAME_BYTES>);

impl Device {
    /// Starts the server on a region of flash, which may have anything in it.
    pub fn new(region: Vec<u8>) -> Self {
        let mut model: Result<Model<'static>, _> = Err(BlobError::Magic);
        load_model(&mut model, region.leak());
        let (workspace, buffers) = (Box::leak(Box::default()), Box::leak(Box::default()));
        Self(Server::with_model(IDENTITY, Box::leak(Box::new(model)), workspace, buffers))
    }

    /// Serves whole frames and returns the answers.
    pub fn serve(&mut self, frames: &[u8]) -> Vec<u8> {
        let mut pipe = Pipe { unread: frames, written: Vec::new() };
        let Ok(()) = self.0.serve(&mut pipe);
        pipe.written
    }
}

/// A byte stream that ends when its bytes are read.
struct Pipe<'a> {
    unread: &'a [u8],
    written: Vec<u8>,
}

impl ErrorType for Pipe<'_> {
    type Error = Infallible;
}

impl Read for Pipe<'_> {
    fn read(&mut self, target: &mut [u8]) -> Result<usize, Infallible> {
        let count = target.len().min(self.unread.len());
        let (now, later) = self.unread.split_at(count);
        if let Some(target) = target.get_mut(..count) {
            target.copy_from_slice(now);
        }
        self.unread = later;
        Ok(count)
    }
}

impl Write for Pipe<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        self.written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
