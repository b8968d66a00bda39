//! Injects a fault into the program with ptrace: kills it or fails its system call when it is about
//! to change the disk.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The program is killed before the call.
    Kill,
    /// The call fails and changes nothing.
    Fail(Errno),
}

/// The end of a program.
#[derive(Debug)]
pub struct Exit {
    /// Number of the system call that had the fault; `None` if there were fewer calls.
    pub call: Option<i64>,
    /// The exit code; `None` if it was killed.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

const ENTRY: u8 = libc::PTRACE_SYSCALL_INFO_ENTRY;
const EXIT: u8 = libc::PTRACE_SYSCALL_INFO_EXIT;

/// Runs the program with `arguments` in `folder`, with a `fault` at its change of that index, from
/// 0.
pub fn host_trainer(folder: &Path, arguments: &[&str], fault: Fault, change: usize) -> Exit {
    // The shell waits until it is traced.
    let mut child = Command::new("sh")
        .args(["-c", "read go; exec \"$0\" \"$@\""])
        .arg(assert_cmd::cargo::cargo_bin("host-trainer"))
        .args(arguments)
        .current_dir(folder)
        .env("FASHION_MNIST_DIR", folder.join("no-data-here"))
        .env("TMPDIR", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell");
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    let leader = Pid::from_raw(child.id() as i32);
    ptrace::seize(leader, options).expect("a process may trace its children here");
    child.stdin.take().expect("a pipe").write_all(b"go\n").expect("a shell that reads");
    let (call, code) = watch(leader, fault, change);
    let (stdout, stderr) = output(&mut child);
    Exit { call, code, stdout, stderr }
}

/// Follows all threads of `leader` to their end. Returns the call that had the fault, and the exit
/// code.
fn watch(leader: Pid, fault: Fault, change: usize) -> (Option<i64>, Option<i32>) {
    // Only children of this thread: other tests wait for their own.
    let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
    let (mut changes, mut faulty, mut failing) = (0, None, None);
    loop {
        match waitpid(None, Some(flags)).expect("a child") {
            WaitStatus::Exited(pid, code) if pid == leader => return (faulty, Some(code)),
            WaitStatus::Signaled(pid, ..) if pid == leader => return (faulty, None),
            WaitStatus::PtraceSyscall(pid) => {
                // If the thread has already ended, the next wait reports it.
                if let (Ok(stop), Ok(mut registers)) = (ptrace::syscall_info(pid), ptrace::getregs(pid)) {
                    if stop.op == ENTRY && is_change(&registers) {
                        if changes == change {
                            faulty = Some(registers.orig_rax as i64);
                            match fault {
                                Fault::Kill => kill(leader, Signal::SIGKILL).expect("a process to kill"),
                                Fault::Fail(_) => {
                                    // A call with an invalid number does nothing.
                                    registers.orig_rax = u64::MAX;
                                    ptrace::setregs(pid, registers).expect("a stopped thread");
                                    failing = Some(pid);
                                }
                            }
                        }
                        changes += 1;
                    } else if stop.op == EXIT && failing == Some(pid) {
                        failing = None;
                        if let Fault::Fail(reason) = fault {
                            registers.rax = (-i64::from(reason as i32)) as u64;
                            ptrace::setregs(pid, registers).expect("a stopped thread");
                        }
                    }
                }
                let _ = ptrace::syscall(pid, None);
            }
            WaitStatus::PtraceEvent(pid, ..) => {
                let _ = ptrace::syscall(pid, None);
            }
            WaitStatus::Stopped(pid, signal) => {
                let _ = ptrace::syscall(pid, signal);
            }
            _ => (),
        }
    }
}

/// Returns true if a call changes or syncs the disk. Writes to standard output and standard error
/// do not.
fn is_change(registers: &libc::user_regs_struct) -> bool {
    let changes = |flags: u64| flags & (libc::O_CREAT | libc::O_TRUNC) as u64 != 0;
    match registers.orig_rax as i64 {
        libc::SYS_openat => changes(registers.rdx),
        libc::SYS_open => changes(registers.rsi),
        libc::SYS_write | libc::SYS_writev | libc::SYS_pwrite64 | libc::SYS_pwritev | libc::SYS_pwritev2 => {
            registers.rdi > 2
        }
        libc::SYS_creat
        | libc::SYS_copy_file_range
        | libc::SYS_fallocate
        | libc::SYS_fdatasync
        | libc::SYS_fsync
        | libc::SYS_ftruncate
        | libc::SYS_link
        | libc::SYS_linkat
        | libc::SYS_mkdir
        | libc::SYS_mkdirat
        // Its flags are in the program's memory. We do not call it, and counting it is safe.
        | libc::SYS_openat2
        | libc::SYS_rename
        | libc::SYS_renameat
        | libc::SYS_renameat2
        | libc::SYS_rmdir
        | libc::SYS_sendfile
        | libc::SYS_truncate
        | libc::SYS_unlink
        | libc::SYS_unlinkat => true,
        _ => false,
    }
}

/// Returns the output of a program that has ended.
fn output(child: &mut Child) -> (String, String) {
    let (mut stdout, mut stderr) = (String::new(), String::new());
    child.stdout.take().expect("a pipe").read_to_string(&mut stdout).expect("UTF-8");
    child.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("UTF-8");
    (stdout, stderr)
}
