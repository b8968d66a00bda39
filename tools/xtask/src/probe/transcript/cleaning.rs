//! Removes what differs between runs and hosts from a tool's output.

use std::path::Path;

/// Folders, and their replacements in the page.
pub struct Cleaning {
    /// Longest first.
    folders: Vec<(String, &'static str)>,
}

impl Cleaning {
    pub fn new(root: &Path, target: &Path) -> Self {
        let mut folders = vec![(format!("{}/", root.display()), ""), (format!("{}/", target.display()), "target/")];
        folders.sort_by_key(|(folder, _)| std::cmp::Reverse(folder.len()));
        Self { folders }
    }

    /// Returns a tool's output as the page shows it.
    pub fn output(&self, text: &str) -> String {
        let lines = without_colours(text);
        // Printed only without a terminal.
        let lines = lines.lines().filter(|line| *line != "Failed to create readline");
        lines.map(|line| format!("{}\n", self.line(line).trim_end())).collect()
    }

    /// Returns the text with paths relative to this repository.
    pub fn paths(&self, text: &str) -> String {
        self.folders.iter().fold(text.to_owned(), |text, (folder, short)| text.replace(folder, short))
    }

    fn line(&self, line: &str) -> String {
        if line.trim_start().starts_with("Finished in ") {
            return line.split(" in ").next().unwrap_or_default().to_owned();
        }
        // The channel's name starts every read, and reads end at arbitrary places.
        let line = line.strip_prefix("[defmt] ").unwrap_or(line);
        let line = self.paths(line);
        if line.trim_start().starts_with("Frame ") {
            return without_addresses(&line);
        }
        elsewhere(&line)
    }
}

/// Removes the address of a frame, which is in it twice if the function is unknown.
fn without_addresses(line: &str) -> String {
    let mut parts = line.split(" @ 0x");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |frame, part| frame + part.trim_start_matches(|digit: char| digit.is_ascii_hexdigit()))
}

/// Removes the local folder of a source file of another crate or of the compiler.
fn elsewhere(line: &str) -> String {
    let start = line.len() - line.trim_start().len();
    let (indent, path) = line.split_at(start);
    let short = if let Some((_, rest)) = path.split_once("/registry/src/") {
        rest.split_once('/').map(|(_, rest)| rest)
    } else {
        path.strip_prefix("/rustc/").and_then(|rest| rest.split_once('/')).map(|(_, rest)| rest)
    };
    short.map_or_else(|| line.to_owned(), |short| format!("{indent}{short}"))
}

fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').map_or(part, |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str) -> String {
        Cleaning::new(Path::new("/users/me/prenda"), Path::new("/users/me/prenda/target")).output(text)
    }

    #[test]
    fn times_colours_and_channels_are_removed() {
        assert_eq!(cleaned("     \u{1b}[m\u{1b}[1mFinished\u{1b}[0m in 0.11s\n"), "     Finished\n");
        assert_eq!(cleaned("[defmt] [INFO ] starts\n[INFO ] more\n"), "[INFO ] starts\n[INFO ] more\n");
        assert_eq!(cleaned("one\nFailed to create readline\ntwo\n"), "one\ntwo\n");
    }

    #[test]
    fn local_paths_and_addresses_are_removed() {
        let frame = "    Frame 0: syscall @ 0x15da inline\n        \
             /users/me/.cargo/registry/src/index.crates.io-19/semihosting-0.1/src/a.rs:93:9\n";
        assert_eq!(cleaned(frame), "    Frame 0: syscall inline\n        semihosting-0.1/src/a.rs:93:9\n");
        assert_eq!(cleaned("    Frame 0: <unknown @ 0x00000470> @ 0x470\n"), "    Frame 0: <unknown>\n");
        assert_eq!(cleaned("        /rustc/59ab/library/core/src/p.rs:1:2\n"), "        library/core/src/p.rs:1:2\n");
        assert_eq!(cleaned("        /users/me/prenda/firmware/src/a.rs:1:2\n"), "        firmware/src/a.rs:1:2\n");
    }

    #[test]
    fn a_target_folder_elsewhere_is_shown_as_the_default_one() {
        let cleaning = Cleaning::new(Path::new("/a"), Path::new("/a/b/c"));
        assert_eq!(cleaning.paths("/a/b/c/x.elf /a/y"), "target/x.elf y");
    }
}
