//! Signals that end us: the running command is told first, and cleans up before we are gone.

use std::io;
#[cfg(unix)]
use std::os::unix::process::CommandExt as _;
use std::process::{self, Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What there is to tell of a signal.
struct State {
    /// The process id of the command that runs.
    child: Option<u32>,
    /// Those of commands that run beside it.
    beside: Vec<u32>,
    /// A signal has come, and we end with the command: the exit code.
    ending: Option<i32>,
}

static STATE: Mutex<State> = Mutex::new(State { child: None, beside: Vec::new(), ending: None });

/// From now on, a signal that would end us is passed on to the running command; when that has ended, so do we.
pub fn handle() {
    // Without a handler a signal still ends us, only the command runs on.
    let _ = host_support::signals::on_end(|code| {
        let mut state = state();
        let Some(child) = state.child else { end(&state, code) };
        state.ending = Some(code);
        terminate(child);
    });
}

/// Starts the command that a signal is passed on to until [`ended`].
///
/// # Errors
/// When it cannot be started.
pub fn start(command: &mut Command) -> io::Result<Child> {
    // Held meanwhile, so that no signal falls between the start and the note of it.
    let mut state = state();
    let child = command.spawn()?;
    state.child = Some(child.id());
    Ok(child)
}

/// Notes that the command has ended, and ends us too where a signal asked for it.
pub fn ended() {
    let mut state = state();
    state.child = None;
    if let Some(code) = state.ending {
        end(&state, code);
    }
}

/// Starts a command that runs beside others until [`end_beside`], or until a signal ends us.
///
/// A terminal's Ctrl-C does not reach it: the others end first, and may need it for that.
///
/// # Errors
/// When it cannot be started.
pub fn start_beside(command: &mut Command) -> io::Result<Child> {
    #[cfg(unix)]
    command.process_group(0);
    let mut state = state();
    let child = command.spawn()?;
    state.beside.push(child.id());
    Ok(child)
}

/// Asks a command that runs beside others to end.
pub fn ask_to_end(child: &mut Child) {
    // Held meanwhile: afterwards its number may be another's.
    let _state = state();
    if let Ok(None) = child.try_wait() {
        terminate(child.id());
    }
}

/// Asks a command that runs beside others to end, and waits for that.
pub fn end_beside(child: &mut Child) {
    // Held until it is gone: afterwards its number may be another's.
    let mut state = state();
    // One that has been waited for has ended.
    if let Ok(None) = child.try_wait() {
        terminate(child.id());
        let _ = child.wait();
    }
    state.beside.retain(|id| *id != child.id());
}

/// Ends us, and all that runs beside.
fn end(state: &State, code: i32) -> ! {
    state.beside.iter().copied().for_each(terminate);
    process::exit(code)
}

/// Asks a process to end. The shell's own `kill`: as a program it is not on every machine.
fn terminate(id: u32) {
    // It may have ended just now, or be root's; either way we wait for its end.
    let _ = Command::new("sh").args(["-c", "kill -TERM \"$0\" 2>/dev/null", &id.to_string()]).status();
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn a_process_is_asked_to_end_and_not_killed() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        terminate(child.id());
        assert_eq!(child.wait().unwrap().signal(), Some(15));
    }
}
