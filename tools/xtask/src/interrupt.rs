//! Signals that end us: the running command gets them first and cleans up before we end.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{self, Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};

struct State {
    /// Process id of the running command.
    child: Option<u32>,
    /// Process ids of commands in the background.
    background: Vec<u32>,
    /// The exit code, if a signal has arrived and we end with the command.
    ending: Option<i32>,
}

static STATE: Mutex<State> = Mutex::new(State { child: None, background: Vec::new(), ending: None });

/// Installs the handler: a signal that would end us ends the running command first, then us.
pub fn handle() {
    // Without a handler a signal still ends us, but not the command.
    let _ = host_support::signals::on_end(|code| {
        let mut state = state();
        let Some(child) = state.child else { end(&state, code) };
        state.ending = Some(code);
        terminate(child);
    });
}

/// Starts the command that receives signals until [`ended`].
pub fn start(command: &mut Command) -> io::Result<Child> {
    // The lock keeps a signal from arriving between the start and its registration.
    let mut state = state();
    let child = command.spawn()?;
    state.child = Some(child.id());
    Ok(child)
}

/// Registers the end of the command, and ends us if a signal has asked for it.
pub fn ended() {
    let mut state = state();
    state.child = None;
    if let Some(code) = state.ending {
        end(&state, code);
    }
}

/// Starts a command in the background, until [`end_background`] or until a signal ends us.
///
/// A terminal's Ctrl-C does not reach it: commands in the foreground may need it while they end.
pub fn start_background(command: &mut Command) -> io::Result<Child> {
    command.process_group(0);
    let mut state = state();
    let child = command.spawn()?;
    state.background.push(child.id());
    Ok(child)
}

pub fn ask_to_end(child: &mut Child) {
    // The lock keeps its process id from being reused.
    let _state = state();
    if let Ok(None) = child.try_wait() {
        terminate(child.id());
    }
}

/// Asks a background command to end, and waits for it.
pub fn end_background(child: &mut Child) {
    // The lock keeps its process id from being reused.
    let mut state = state();
    if let Ok(None) = child.try_wait() {
        terminate(child.id());
        let _ = child.wait();
    }
    state.background.retain(|id| *id != child.id());
}

fn end(state: &State, code: i32) -> ! {
    state.background.iter().copied().for_each(terminate);
    process::exit(code)
}

/// Asks a process to end, with the shell's `kill`, because not every system has it as a program.
fn terminate(id: u32) {
    // It may have ended already, or belong to root; the caller waits in every case.
    let _ = Command::new("sh").args(["-c", "kill -TERM \"$0\" 2>/dev/null", &id.to_string()]).status();
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
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
