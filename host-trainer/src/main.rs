//! The command `host-trainer`.

use std::process::ExitCode;

fn main() -> ExitCode {
    host_trainer::run()
}
