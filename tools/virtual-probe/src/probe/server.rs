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

/// How often a waiting server looks around.
const GLANCE: Duration = Duration::from_millis(5);
/// How often a busy one does.
const ROUND: Duration = Duration::from_millis(100);
/// How long a client waits for the one before it to go: between two runs of a program, its end is
/// not known at once.
const QUEUE: Duration = Duration::from_secs(2);
/// How long a client may leave an answer unread before it counts as gone.
const UNREAD: Duration = Duration::from_secs(2);
/// How many may wait.
const LONGEST: usize = 16;

/// Why there is no probe, or no longer.
#[derive(Debug, Error)]
pub enum ProbeError {
    /// The machine keeps its core to itself.
    #[error("the machine {board} cannot be probed: it was not started with `MachineOptions::debugged`")]
    NotDebugged {
        /// The board.
        board: &'static str,
    },
    /// The port cannot be had.
    #[error("cannot listen on port {port} of this machine: {reason}; choose another, or 0 for any that is free")]
    Listen {
        /// The port.
        port: u16,
        /// Why not.
        reason: io::Error,
    },
    /// No client can be accepted any more.
    #[error("cannot accept clients: {0}")]
    Accept(io::Error),
    /// The emulator is gone.
    #[error("{reason}{post_mortem}")]
    Emulator {
        /// How that was noticed.
        reason: EmulatorError,
        /// How it ended, and what it said.
        post_mortem: String,
    },
}

/// A probe that waits for clients.
#[derive(Debug)]
pub struct Server {
    probe: Probe,
    listener: TcpListener,
    stopped: Arc<AtomicBool>,
    /// Who waits for the client to go, and until when, the first one first.
    queue: VecDeque<(TcpStream, Instant)>,
}

/// Ends a server from elsewhere.
#[derive(Clone, Debug)]
pub struct Stopper(Arc<AtomicBool>);

impl Stopper {
    /// Makes [`Server::run`] return within a fraction of a second.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Server {
    /// Listens on `port` of this machine alone; 0 is any that is free.
    ///
    /// # Errors
    ///
    /// Where the port is taken.
    pub fn new(probe: Probe, port: u16) -> Result<Self, ProbeError> {
        let listening = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
        let listener = listening.map_err(|reason| ProbeError::Listen { port, reason })?;
        Ok(Self { probe, listener, stopped: Arc::default(), queue: VecDeque::new() })
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// Where the system does not say.
    pub fn address(&self) -> Result<SocketAddr, ProbeError> {
        self.listener.local_addr().map_err(ProbeError::Accept)
    }

    /// What probe-rs takes for the probe's name: `--probe` of its command line.
    ///
    /// # Errors
    ///
    /// As [`address`](Self::address).
    pub fn selector(&self) -> Result<String, ProbeError> {
        Ok(format!("1d50:6018:{}", self.address()?))
    }

    /// What ends it.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.stopped))
    }

    /// Serves one client after the other until it is stopped.
    ///
    /// # Errors
    ///
    /// Where the emulator has ended.
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

    /// Looks whether somebody wants to be the next client.
    fn look(&mut self) -> Result<(), ProbeError> {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) if self.queue.len() < LONGEST => {
                    self.queue.push_back((stream, Instant::now() + QUEUE));
                }
                Ok((stream, _)) => refuse(stream),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // A client that has gone again, or a signal.
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
                Err(error) => return Err(ProbeError::Accept(error)),
            }
        }
        Ok(())
    }

    /// Serves a client until it goes.
    fn serve(&mut self, client: TcpStream) -> Result<(), ProbeError> {
        self.probe.connect();
        let served = self.converse(client);
        served.and_then(|()| self.probe.release()).map_err(|error| self.failed(error))
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
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
            if Instant::now() >= round {
                round = Instant::now() + ROUND;
                self.probe.look()?;
                // Whether others can be accepted is seen when this one has gone.
                let _ = self.look();
                while let Some((client, _)) = self.queue.pop_front_if(|(_, deadline)| Instant::now() > *deadline) {
                    refuse(client);
                }
            }
        }
        Ok(())
    }

    /// Whether the client has taken all of `frame`: not if it has gone, does not read, or the
    /// server is stopped.
    fn send(&self, client: &mut TcpStream, frame: &[u8]) -> bool {
        let deadline = Instant::now() + UNREAD;
        let mut rest = frame;
        while !rest.is_empty() {
            match client.write(rest) {
                Ok(0) => return false,
                Ok(length) => rest = rest.get(length..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return false,
            }
            if !rest.is_empty() && (Instant::now() >= deadline || self.stopped.load(Ordering::Relaxed)) {
                return false;
            }
        }
        true
    }

    fn failed(&self, reason: EmulatorError) -> ProbeError {
        ProbeError::Emulator { reason, post_mortem: self.probe.machine().post_mortem() }
    }
}

/// Tells a client that another has the probe.
fn refuse(mut client: TcpStream) {
    eprintln!("a client was refused: another has the probe");
    // It may have gone, which is as well.
    let _ = client.write_all(&Answer::Error(Failure::Busy).frame());
}
