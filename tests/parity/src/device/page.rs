//! The playground's page in a headless browser: the server runs in WebAssembly.
//!
//! Frames go in and answers come out as arguments and results of a script; the page itself has no
//! connection.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use host_support::browser::{self, Browser};
use serde_json::Value;

use super::elf::not_started;
use super::{Device, DeviceError, IO_TIMEOUT, Killer, Lab, Runner, Session};
use crate::Client;
use crate::client::Stream;

pub(super) const NAME: &str = "wasm";

/// Width of the window, which has no influence.
const WIDTH: u32 = 1280;

/// Most bytes without the end of a frame that are kept back.
const MAX_PARTIAL: usize = 1 << 20;

/// The page's end.
#[derive(Debug)]
struct Page {
    /// The error that ended it.
    end: Arc<Mutex<Option<String>>>,
}

impl Runner for Page {
    fn exit_code(&self, _: Duration) -> Option<i32> {
        None
    }

    fn logs(&mut self) -> Vec<String> {
        Vec::new()
    }

    fn killer(&self) -> Option<Killer> {
        None
    }

    fn rtt(&self) -> Option<Box<dyn Stream>> {
        None
    }

    fn post_mortem(&mut self) -> String {
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner).clone();
        end.map_or_else(|| "; the page still runs".to_owned(), |end| format!("; {end}"))
    }
}

/// Checks that there is a browser, and that the page is written.
pub(super) fn availability(lab: &Lab) -> Result<(), DeviceError> {
    let absent = |reason| DeviceError::Absent { device: NAME, reason };
    let page = path(lab);
    if !page.is_file() {
        let page = page.display();
        return Err(absent(format!("{page} does not exist; run `cargo xtask playground --out {page}`")));
    }
    browser::absent().map_or(Ok(()), |reason| Err(absent(reason)))
}

/// Opens the page, with `model` in the flash of its server.
pub(super) fn start(lab: &Lab, model: &[u8]) -> Result<Session, DeviceError> {
    launch(lab, model).map_err(|error| not_started(NAME, &error))
}

fn launch(lab: &Lab, model: &[u8]) -> anyhow::Result<Session> {
    let page = path(lab);
    let page = page.canonicalize().with_context(|| format!("cannot open {}", page.display()))?;
    let browser = Browser::start(WIDTH)?;
    browser.open(&page)?;
    let model = Value::from(BASE64_STANDARD.encode(model));
    browser.run_with("await playground.ready; playground.flash(args[0])", &[model])?;
    let (ours, theirs) = UnixStream::pair().context("cannot connect")?;
    ours.set_read_timeout(Some(IO_TIMEOUT))?;
    ours.set_write_timeout(Some(IO_TIMEOUT))?;
    let end = Arc::default();
    let page = Page { end: Arc::clone(&end) };
    thread::Builder::new().name(NAME.into()).spawn(move || {
        // The stream closes after this, so that the client reads the reason only when it is there.
        let (result, theirs) = (pump(&browser, &theirs), theirs);
        if let Err(error) = result {
            *end.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{error:#}"));
        }
        drop(theirs);
    })?;
    let client = Client::new(Box::new(ours), lab.patience);
    Ok(Session { device: Device::Wasm, client, runner: Some(Box::new(page)) })
}

/// Returns the path of the page, next to the firmware of the boards.
fn path(lab: &Lab) -> PathBuf {
    lab.firmware.join("wasm.html")
}

/// Carries frames to the page, and answers back, until the client closes the stream. A call of the
/// page has all whole frames that have arrived.
fn pump(browser: &Browser, mut stream: &UnixStream) -> anyhow::Result<()> {
    let mut unread = Vec::new();
    let mut chunk = [0; 1 << 16];
    loop {
        // The client is gone if reading fails.
        let count = stream.read(&mut chunk).unwrap_or_default();
        if count == 0 {
            return Ok(());
        }
        unread.extend(chunk.iter().take(count));
        let end = match unread.iter().rposition(|byte| *byte == 0) {
            Some(last) => last + 1,
            None if unread.len() > MAX_PARTIAL => unread.len(),
            None => continue,
        };
        let frames: Vec<u8> = unread.drain(..end).collect();
        let frames = Value::from(BASE64_STANDARD.encode(frames));
        let answers = browser.run_with("return playground.serve(args[0])", &[frames])?;
        let answers = BASE64_STANDARD.decode(answers.as_str().context("the page returned no text")?)?;
        if stream.write_all(&answers).is_err() {
            return Ok(());
        }
    }
}
