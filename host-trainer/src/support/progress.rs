//! Progress bars and messages on standard error. Bars are drawn on terminals only.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

use crate::text::printable;

/// The bar on the screen, for [`abandon`].
static CURRENT: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Prints `message` on standard error. Control characters except newlines are escaped, because the
/// message may contain file names. Unlike `eprintln!`, ignores a closed standard error.
pub fn log(message: impl Display) {
    let message = message.to_string();
    let lines: Vec<String> = message.split('\n').map(printable).collect();
    let _ = writeln!(io::stderr(), "{}", lines.join("\n"));
}

/// Shows a bar that counts `length` steps of the work called `name`.
pub fn steps(length: u64, name: impl Into<Cow<'static, str>>) -> ProgressBar {
    bar(Some(length), name.into(), "{prefix} [{bar:24}] {percent:>3} % {msg}")
}

/// Shows a bar that counts bytes, up to `length` if that is known.
pub fn bytes(length: Option<u64>, name: &str) -> ProgressBar {
    bar(length, name.to_owned().into(), "{prefix} {bytes} of {total_bytes}, {bytes_per_sec}")
}

/// Removes the bar, before the last message of a program that is stopped.
pub fn abandon() {
    if let Some(bar) = CURRENT.lock().unwrap_or_else(PoisonError::into_inner).take() {
        bar.finish_and_clear();
    }
}

fn bar(length: Option<u64>, name: Cow<'static, str>, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = length.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let bar = bar.with_style(style.progress_chars("=> ")).with_prefix(name).with_finish(ProgressFinish::AndClear);
    *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
    bar
}
