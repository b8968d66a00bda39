//! defmt logs of a device, decoded with its ELF, printed, and kept for error messages.

use std::io::{Read, Write as _, stderr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use defmt_decoder::{DecodeError, Frame, Locations, Table};

/// Lines kept for error messages.
const KEPT_LINES: usize = 50;

/// A thread that decodes a device's logs.
#[derive(Debug)]
pub(crate) struct Logs {
    lines: Arc<Mutex<Vec<String>>>,
    thread: Option<JoinHandle<()>>,
    are_shown: bool,
}

/// Longest wait for the last lines of an ended device. They could be endless if another process
/// holds its output.
const LAST_LINES_PATIENCE: Duration = Duration::from_secs(1);

impl Logs {
    /// Starts to decode `output` with the symbols of `elf`.
    pub fn collect(
        device: &'static str,
        elf: &[u8],
        output: impl Read + Send + 'static,
        show: bool,
    ) -> anyhow::Result<Self> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let table = table_of(elf)?.context("the firmware has no defmt section")?;
        let locations = table.get_locations(elf).unwrap_or_default();
        let kept = Arc::clone(&lines);
        let decode = move || {
            decode(device, &table, &locations, output, |line| {
                if show {
                    // Standard error may be closed.
                    let _ = writeln!(stderr(), "{line}");
                }
                keep(&kept, line);
            })
        };
        let thread = Some(thread::Builder::new().name("logs".into()).spawn(decode)?);
        Ok(Self { lines, thread, are_shown: show })
    }

    /// Returns the logs of a device that has none.
    pub fn none() -> Self {
        Self { lines: Arc::default(), thread: None, are_shown: false }
    }

    /// Returns the last lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Formats the last lines for an error message; empty if they were already printed.
    pub fn last_lines(&self) -> String {
        let lines = if self.are_shown { Vec::new() } else { self.lines() };
        lines.into_iter().fold(String::new(), |text, line| text + "\n    " + &line)
    }

    /// Waits for the last lines of a device that has ended.
    pub fn finish(&mut self) {
        let deadline = Instant::now() + LAST_LINES_PATIENCE;
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        self.thread = None;
    }
}

/// Returns true if the program at `elf` logs with defmt. That of others may not.
pub(crate) fn has_logs(elf: &[u8]) -> bool {
    table_of(elf).is_ok_and(|table| table.is_some())
}

fn table_of(elf: &[u8]) -> anyhow::Result<Option<Table>> {
    Table::parse(elf).map_err(|error| anyhow::anyhow!("cannot read the firmware's logs: {error:#}"))
}

fn decode(device: &str, table: &Table, locations: &Locations, mut output: impl Read, mut on_line: impl FnMut(String)) {
    let mut decoder = table.new_stream_decoder();
    let mut chunk = [0; 1024];
    while let Ok(count @ 1..) = output.read(&mut chunk) {
        decoder.received(&chunk[..count]);
        loop {
            let line = match decoder.decode() {
                Ok(frame) => render(device, &frame, locations),
                Err(DecodeError::UnexpectedEof) => break,
                Err(DecodeError::Malformed) => format!("{device} (a log line that cannot be decoded)"),
            };
            on_line(line);
        }
    }
}

/// Adds a line, and drops the oldest of too many.
fn keep(lines: &Mutex<Vec<String>>, line: String) {
    let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    if lines.len() == KEPT_LINES {
        lines.remove(0);
    }
    lines.push(line);
}

/// Formats `BOARD LEVEL message (file:line)`, with the place only for warnings and errors.
fn render(device: &str, frame: &Frame<'_>, locations: &Locations) -> String {
    let level = frame.level().map_or("", |level| level.as_str());
    let message = frame.display_message().to_string();
    let place = locations.get(&frame.index()).filter(|_| matches!(level, "warn" | "error")).map(|location| {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new(""));
        let file = location.file.strip_prefix(workspace).unwrap_or(&location.file);
        format!(" ({}:{})", file.display(), location.line)
    });
    format!("{device} {level:5} {message}{}", place.unwrap_or_default())
}
