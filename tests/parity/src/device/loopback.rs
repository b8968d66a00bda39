//! The server on a thread, connected by a pair of sockets.

use std::os::unix::net::UnixStream;
use std::thread;

use embedded_io_adapters::std::FromStd;
use prenda::{BlobError, Model, Workspace};
use prenda_serve::{Buffers, Identity, Server, load_model};

use super::{Device, DeviceError, IO_TIMEOUT, Lab, Session};
use crate::Client;

const NAME: &str = "loopback";

const IDENTITY: Identity = Identity::new(NAME, std::env::consts::ARCH);

/// Starts the server on a thread that ends when the client is dropped.
pub(super) fn start(lab: &Lab, model: &[u8]) -> Result<Session, DeviceError> {
    let not_started =
        |error: std::io::Error| DeviceError::NotStarted { device: NAME, reason: format!("cannot connect: {error}") };
    let (ours, theirs) = UnixStream::pair().map_err(not_started)?;
    ours.set_read_timeout(Some(IO_TIMEOUT)).map_err(not_started)?;
    ours.set_write_timeout(Some(IO_TIMEOUT)).map_err(not_started)?;
    let region = model.to_vec();
    thread::Builder::new()
        .name(NAME.into())
        .spawn(move || {
            // The largest that the format allows, so that every model runs here.
            let mut workspace = Box::new(Workspace::<16_384, 256>::new());
            let mut buffers = Box::new(Buffers::<32_768>::new());
            let mut model: Result<Model<'_>, _> = Err(BlobError::Magic);
            load_model(&mut model, &region);
            let mut server = Server::with_model(IDENTITY, &model, &mut workspace, &mut buffers);
            // The stream fails when the client is dropped.
            let _ = server.serve(&mut FromStd::new(theirs));
        })
        .map_err(not_started)?;
    Ok(Session { device: Device::Loopback, client: Client::new(Box::new(ours), lab.patience), runner: None })
}
