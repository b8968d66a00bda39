//! The probe on the network: one client at a time.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;

use super::Probe;
use super::frame::{Answer, Failure, Frames};
use crate::EmulatorError;
use crate::error::is_timeout;

/// Polling interval without a client.
const GLANCE: Duration = Duration::from_millis(5);
/// Polling interval while a client is served.
const ROUND: Duration = Duration::from_millis(100);
/// Time a client waits for the previous one to leave: its end is not noticed at once.
const QUEUE: Duration = Duration::from_secs(2);
/// Time a client may leave an answer unread before it is dropped.
const UNREAD: Duration = Duration::from_secs(2);
/// Maximum number of waiting clients.
const MAX_WAITING: usize = 16;

/// The reason why the probe does not start, or ends.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the messages describe the variants and their fields")]
pub enum ProbeError {
    #[error("the machine {board} cannot be probed: it was not started with `MachineOptions::debugged`")]
    NotDebugged { board: &'static str },
    #[error("cannot listen on port {port} of this host: {reason}; choose another, or 0 for a free one")]
    Listen { port: u16, reason: io::Error },
    #[error("cannot accept clients: {0}")]
    Accept(io::Error),
    #[error("{reason}{post_mortem}")]
    Emulator { reason: EmulatorError, post_mortem: String },
}

/// A probe that serves clients, one at a time.
#[derive(Debug)]
pub struct Server {
    probe: Probe,
    listener: TcpListener,
    stopped: Arc<AtomicBool>,
    /// The waiting clients and their deadlines, in the order of arrival.
    queue: VecDeque<(TcpStream, Instant)>,
}

/// A handle that ends a server from another thread.
#[derive(Clone, Debug)]
pub struct Stopper(Arc<AtomicBool>);

impl Stopper {
    /// Makes [`Server::run`] return within a fraction of a second.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Server {
    /// Listens on `port` of the loopback interface; 0 chooses a free one.
    ///
    /// # Errors
    ///
    /// Returns [`ProbeError::Listen`] if the port cannot be used.
    pub fn new(probe: Probe, port: u16) -> Result<Self, ProbeError> {
        let listening = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
        let listener = listening.map_err(|reason| ProbeError::Listen { port, reason })?;
        Ok(Self { probe, listener, stopped: Arc::default(), queue: VecDeque::new() })
    }

    /// Returns the address of the server.
    ///
    /// # Errors
    ///
    /// Returns [`ProbeError::Accept`] if the operating system does not report it.
    pub fn address(&self) -> Result<SocketAddr, ProbeError> {
        self.listener.local_addr().map_err(ProbeError::Accept)
    }

    /// Returns the value of probe-rs's option `--probe` that selects this probe.
    ///
    /// # Errors
    ///
    /// Returns [`ProbeError::Accept`] if the operating system does not report the address.
    pub fn selector(&self) -> Result<String, ProbeError> {
        Ok(format!("1d50:6018:{}", self.address()?))
    }

    /// Returns a handle that ends the server.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.stopped))
    }

    /// Serves one client after the other until it is stopped.
    ///
    /// # Errors
    ///
    /// Returns [`ProbeError`] if the emulator has ended, or clients cannot be accepted.
    pub fn run(&mut self) -> Result<(), ProbeError> {
        while !self.stopped.load(Ordering::Relaxed) {
            self.look()?;
            match self.queue.pop_front() {
                Some((client, _)) => self.serve(client)?,
                None => {
                    self.probe.look().map_err(|error| self.failed(error))?;
                    thread::sleep(GLANCE);
                }
            }
        }
        Ok(())
    }

    /// Adds new clients to the queue.
    fn look(&mut self) -> Result<(), ProbeError> {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) if self.queue.len() < MAX_WAITING => {
                    self.queue.push_back((stream, Instant::now() + QUEUE));
                }
                Ok((stream, _)) => refuse(stream),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // The client has left already, or a signal came.
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
                Err(error) => return Err(ProbeError::Accept(error)),
            }
        }
    }

    /// Serves a client until it leaves; then the core runs without a debugger.
    fn serve(&mut self, client: TcpStream) -> Result<(), ProbeError> {
        self.probe.connect();
        let served = self.converse(client);
        served.and_then(|()| self.probe.target.release()).map_err(|error| self.failed(error))
    }

    fn converse(&mut self, mut client: TcpStream) -> Result<(), EmulatorError> {
        let prepared = client
            .set_nonblocking(false)
            .and_then(|()| client.set_nodelay(true))
            .and_then(|()| client.set_read_timeout(Some(ROUND)))
            .and_then(|()| client.set_write_timeout(Some(ROUND)));
        if prepared.is_err() {
            return Ok(());
        }
        let (mut frames, mut bytes) = (Frames::default(), [0; 4096]);
        let mut round = Instant::now() + ROUND;
        while !self.stopped.load(Ordering::Relaxed) {
            match client.read(&mut bytes) {
                Ok(0) => break,
                Ok(length) => {
                    for &byte in bytes.get(..length).unwrap_or_default() {
                        if let Some(command) = frames.feed(byte) {
                            let answer = self.probe.answer(command.as_deref())?;
                            if !self.send(&mut client, &answer.frame()) {
                                return Ok(());
                            }
                        }
                    }
                }
                Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
            if Instant::now() >= round {
                round = Instant::now() + ROUND;
                self.probe.look()?;
                // An error of the listener is reported after this client.
                let _ = self.look();
                while let Some((client, _)) = self.queue.pop_front_if(|(_, deadline)| Instant::now() > *deadline) {
                    refuse(client);
                }
            }
        }
        Ok(())
    }

    /// Sends `frame`; returns false if the client has left or does not read, or the server is
    /// stopped.
    fn send(&self, client: &mut TcpStream, frame: &[u8]) -> bool {
        let deadline = Instant::now() + UNREAD;
        let mut rest = frame;
        while !rest.is_empty() {
            match client.write(rest) {
                Ok(0) => return false,
                Ok(length) => rest = rest.get(length..).unwrap_or_default(),
                Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
            if !rest.is_empty() && (Instant::now() >= deadline || self.stopped.load(Ordering::Relaxed)) {
                return false;
            }
        }
        true
    }

    fn failed(&self, reason: EmulatorError) -> ProbeError {
        ProbeError::Emulator { reason, post_mortem: self.probe.machine.post_mortem() }
    }
}

/// Answers a client that another one has the probe.
fn refuse(mut client: TcpStream) {
    eprintln!("a client was refused: another has the probe");
    // An error means that the client has left.
    let _ = client.write_all(&Answer::Error(Failure::Busy).frame());
}
