//! Processes that must not outlive this one, and their temporary folders.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, exit};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tempfile::TempDir;

/// Every running process, for the signal handler that ends them.
static RUNNING: Mutex<Vec<Arc<Running>>> = Mutex::new(Vec::new());

/// A running process and its folder. Dropping it ends the process and removes the folder.
#[derive(Debug)]
pub struct Process(Arc<Running>);

/// A handle that ends a process from another thread.
#[derive(Clone, Debug)]
pub struct Killer(Arc<Running>);

#[derive(Debug)]
struct Running {
    child: Mutex<Child>,
    folder: TempDir,
}

impl Process {
    /// Starts `command` in its own process group, so that its children end with it.
    ///
    /// # Errors
    ///
    /// Returns an error if the program cannot be run.
    pub fn spawn(command: &mut Command, folder: TempDir) -> io::Result<Self> {
        // Held until the process is listed: a signal in between would leave it running.
        let mut running = lock(&RUNNING);
        let child = command.process_group(0).spawn()?;
        let process = Arc::new(Running { child: Mutex::new(child), folder });
        running.push(Arc::clone(&process));
        Ok(Self(process))
    }

    /// Returns the folder that is removed with the process.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.0.folder.path()
    }

    /// Waits at most `patience` for the process to end; returns its exit status.
    #[must_use]
    pub fn wait(&self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        loop {
            let status = lock(&self.0.child).try_wait().ok().flatten();
            if status.is_some() || Instant::now() >= deadline {
                return status;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends SIGTERM to the process and its children; [`wait`](Self::wait) waits for the end.
    pub fn terminate(&self) {
        Running::signal(&mut lock(&self.0.child), Signal::SIGTERM);
    }

    /// Returns a handle that ends the process.
    #[must_use]
    pub fn killer(&self) -> Killer {
        Killer(Arc::clone(&self.0))
    }
}

impl Killer {
    /// Ends the process and its children with SIGKILL.
    pub fn kill(&self) {
        self.0.kill();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill();
        lock(&RUNNING).retain(|running| !Arc::ptr_eq(running, &self.0));
    }
}

impl Running {
    fn kill(&self) {
        let mut child = lock(&self.child);
        if Self::signal(&mut child, Signal::SIGKILL) {
            // An error means that it has ended by itself.
            let _ = child.wait();
        }
    }

    /// Sends a signal to the process group; returns false if the process has ended before.
    fn signal(child: &mut Child, signal: Signal) -> bool {
        // The number of a child that was waited for may belong to another process by now.
        let Ok(None) = child.try_wait() else { return false };
        let Ok(group) = i32::try_from(child.id()) else { return false };
        // An error means that it has ended meanwhile.
        let _ = killpg(Pid::from_raw(group), signal);
        true
    }
}

/// Installs a signal handler that ends every process of this program before the program.
///
/// If it cannot be installed, signals end the program alone.
pub fn stop_all_at_signals() {
    let _ = host_support::signals::on_end(|code| {
        let _stopped = stop_all();
        exit(code);
    });
}

/// Ends every process that this one has started and removes their folders, for signal handlers.
/// No process can be started or dropped while the returned value lives.
pub fn stop_all() -> impl Sized {
    let running = lock(&RUNNING);
    for process in running.iter() {
        process.kill();
        // A folder that cannot be removed stays in the system's temporary folder.
        let _ = fs::remove_dir_all(process.folder.path());
    }
    running
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
