//! Processes that must not outlive this one, and the temporary folders that go with them.

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

/// Every process that runs, so that a handler of signals can stop them.
static RUNNING: Mutex<Vec<Arc<Running>>> = Mutex::new(Vec::new());

/// A running process with a folder of its own. Dropping it ends the process and removes the folder.
#[derive(Debug)]
pub struct Process(Arc<Running>);

/// Ends a process from elsewhere.
#[derive(Clone, Debug)]
pub struct Killer(Arc<Running>);

#[derive(Debug)]
struct Running {
    child: Mutex<Child>,
    folder: TempDir,
}

impl Process {
    /// Starts `command` in a process group of its own, so that what it starts ends with it.
    ///
    /// # Errors
    ///
    /// Where the program cannot be run.
    pub fn spawn(command: &mut Command, folder: TempDir) -> io::Result<Self> {
        // Held until the process is listed: a signal in between would leave it behind.
        let mut running = lock(&RUNNING);
        let child = command.process_group(0).spawn()?;
        let process = Arc::new(Running { child: Mutex::new(child), folder });
        running.push(Arc::clone(&process));
        Ok(Self(process))
    }

    /// The folder that is removed with the process.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.0.folder.path()
    }

    /// How it ended, waiting for that for at most `patience`.
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

    /// Asks it and all that it has started to end, as `kill` does. Whether and when they do is seen
    /// by [`wait`](Self::wait).
    pub fn terminate(&self) {
        Running::signal(&mut lock(&self.0.child), Signal::SIGTERM);
    }

    /// What ends the process, for those who do not own it.
    #[must_use]
    pub fn killer(&self) -> Killer {
        Killer(Arc::clone(&self.0))
    }
}

impl Killer {
    /// Ends the process and all that it has started, now.
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
            // It may have ended by itself meanwhile, which is as well.
            let _ = child.wait();
        }
    }

    /// Sends a signal to its group. False where it has ended before.
    fn signal(child: &mut Child, signal: Signal) -> bool {
        // An ended child that was waited for is gone, and its number may be another's by now.
        let Ok(None) = child.try_wait() else { return false };
        let Ok(group) = i32::try_from(child.id()) else { return false };
        // It may end meanwhile.
        let _ = killpg(Pid::from_raw(group), signal);
        true
    }
}

/// From now on, a signal that asks this program to end stops all that it has started, too:
/// emulators would be left behind.
///
/// Where signals cannot be listened to, they end the program as before, and all else is as good.
pub fn stop_all_at_signals() {
    let _ = host_support::signals::on_end(|code| {
        let _nothing_more = stop_all();
        exit(code);
    });
}

/// Ends every process that this one has started, removes their folders, and lets nobody start or
/// end another while the returned value lives: for a handler of signals, on its way out.
pub fn stop_all() -> impl Sized {
    let running = lock(&RUNNING);
    for process in running.iter() {
        process.kill();
        // What cannot be removed stays in the system's temporary folder.
        let _ = fs::remove_dir_all(process.folder.path());
    }
    running
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
