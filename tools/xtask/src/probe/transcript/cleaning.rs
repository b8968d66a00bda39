//! What differs from run to run and from desk to desk, taken out of a tool's words.

use std::path::Path;

/// Folders, and what stands for them in the page.
pub struct Cleaning {
    /// Longest first.
    folders: Vec<(String, &'static str)>,
}

impl Cleaning {
    /// For a workspace and its target folder.
    pub fn new(root: &Path, target: &Path) -> Self {
        let mut folders = vec![(format!("{}/", root.display()), ""), (format!("{}/", target.display()), "target/")];
        folders.sort_by_key(|(folder, _)| std::cmp::Reverse(folder.len()));
        Self { folders }
    }

    /// A tool's output as the page shows it, line by line.
    pub fn output(&self, text: &str) -> String {
        let lines = without_colours(text);
        let lines = lines.lines().filter(|line| !is_about_the_terminal(line));
        lines.map(|line| format!("{}\n", self.line(line).trim_end())).collect()
    }

    /// Text with the paths of this repository relative to it.
    pub fn paths(&self, text: &str) -> String {
        self.folders.iter().fold(text.to_owned(), |text, (folder, short)| text.replace(folder, short))
    }

    fn line(&self, line: &str) -> String {
        if line.trim_start().starts_with("Finished in ") {
            return line.split(" in ").next().unwrap_or_default().to_owned();
        }
        // The channel's name stands at the beginning of what was read at once, which differs.
        let line = line.strip_prefix("[defmt] ").unwrap_or(line);
        let line = self.paths(line);
        if line.trim_start().starts_with("Frame ") {
            return without_addresses(&line);
        }
        elsewhere(&line)
    }
}

/// A frame without its address, which is in it twice where no function is known.
fn without_addresses(line: &str) -> String {
    let mut parts = line.split(" @ 0x");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |frame, part| frame + part.trim_start_matches(|digit: char| digit.is_ascii_hexdigit()))
}

/// A source file of another crate, or of the compiler, without the folder that it has on this desk.
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

/// Text without the sequences by which terminals are told of colours.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').map_or(part, |(_, rest)| rest))
}

/// What is said because no person is there to type.
fn is_about_the_terminal(line: &str) -> bool {
    line == "Failed to create readline"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str) -> String {
        Cleaning::new(Path::new("/home/me/prenda"), Path::new("/home/me/prenda/target")).output(text)
    }

    #[test]
    fn times_colours_and_channels_go() {
        assert_eq!(cleaned("     \u{1b}[m\u{1b}[1mFinished\u{1b}[0m in 0.11s\n"), "     Finished\n");
        assert_eq!(cleaned("[defmt] [INFO ] starts\n[INFO ] more\n"), "[INFO ] starts\n[INFO ] more\n");
        assert_eq!(cleaned("one\nFailed to create readline\ntwo\n"), "one\ntwo\n");
    }

    #[test]
    fn paths_are_those_of_any_desk_and_addresses_go() {
        let frame = "    Frame 0: syscall @ 0x15da inline\n        /home/me/.cargo/registry/src/index.crates.io-19/semihosting-0.1/src/a.rs:93:9\n";
        assert_eq!(cleaned(frame), "    Frame 0: syscall inline\n        semihosting-0.1/src/a.rs:93:9\n");
        assert_eq!(cleaned("    Frame 0: <unknown @ 0x00000470> @ 0x470\n"), "    Frame 0: <unknown>\n");
        assert_eq!(cleaned("        /rustc/59ab/library/core/src/p.rs:1:2\n"), "        library/core/src/p.rs:1:2\n");
        assert_eq!(cleaned("        /home/me/prenda/firmware/src/a.rs:1:2\n"), "        firmware/src/a.rs:1:2\n");
    }

    #[test]
    fn a_target_folder_elsewhere_is_shown_where_it_is_by_default() {
        let cleaning = Cleaning::new(Path::new("/a"), Path::new("/a/b/c"));
        assert_eq!(cleaning.paths("/a/b/c/x.elf /a/y"), "target/x.elf y");
    }
}
