//! Progress and other words on standard error, for a person: no bar is drawn where that is not a
//! terminal.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

use crate::text::printable;

/// The bar on the screen, so that [`abandon`] can take it away.
static CURRENT: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Says `message` on standard error, control characters but its newlines escaped: it may name
/// files. Where nobody listens any more nothing is said: that must not stop the program, as
/// `eprintln!` would.
pub fn say(message: impl Display) {
    let message = message.to_string();
    let lines: Vec<String> = message.split('\n').map(printable).collect();
    let _ = writeln!(io::stderr(), "{}", lines.join("\n"));
}

/// A bar that counts `length` steps of something called `name`.
pub fn steps(length: u64, name: impl Into<Cow<'static, str>>) -> ProgressBar {
    bar(Some(length), name.into(), "{prefix} [{bar:24}] {percent:>3} % {msg}")
}

/// A bar that counts bytes, of which there are `length` if that is known.
pub fn bytes(length: Option<u64>, name: &str) -> ProgressBar {
    bar(length, name.to_owned().into(), "{prefix} {bytes} of {total_bytes}, {bytes_per_sec}")
}

/// Takes the bar away, for the last words of a program that is stopped.
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
