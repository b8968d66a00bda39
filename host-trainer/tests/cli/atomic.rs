//! Files are written atomically: the program is killed, or its system call fails, at each change on
//! the disk in turn.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::libc::{SYS_fsync, SYS_link, SYS_linkat, SYS_rmdir, SYS_unlink, SYS_unlinkat};
use tempfile::TempDir;

use crate::fault::{self, Fault};
use crate::files::{host_trainer, write_data};
use crate::project::{Project, failure, json};

/// The bytes of all files in a folder, by relative path.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Returns true if a file is in a folder for what could not be written to its place.
fn is_kept(path: &Path) -> bool {
    path.iter().any(|name| name.to_str().is_some_and(|name| name.starts_with("prenda-kept-")))
}

/// Returns a file without the line of a configuration that names the data set's folder: what is
/// kept in another folder names it absolutely.
fn without_data_folder(bytes: &[u8]) -> Vec<&[u8]> {
    let is_folder = |line: &&[u8]| line.trim_ascii_start().starts_with(b"\"folder\": ");
    bytes.split(|byte| *byte == b'\n').filter(|line| !is_folder(line)).collect()
}

/// Returns true if a file has the name of an unfinished one.
fn is_temporary(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_str().is_some_and(|name| name.starts_with(".prenda-")))
}

fn files(folder: &Path) -> Files {
    let mut files = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(inner).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    files
}

fn folder_with(files: &Files) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

/// A command, and the files of the project before and after it.
struct Work<'a> {
    arguments: &'a [&'a str],
    /// The file of a run that is written last. It is absent while the others are replaced.
    last: Option<&'a str>,
    before: Files,
    after: Files,
}

impl<'a> Work<'a> {
    fn new(project: &Path, arguments: &'a [&'a str], last: Option<&'a str>) -> Self {
        let before = files(project);
        let done = folder_with(&before);
        host_trainer(done.path()).args(arguments).assert().success();
        let after = files(done.path());
        assert_ne!(before, after, "{arguments:?} writes nothing");
        assert!(!after.keys().any(|path| is_temporary(path)), "{arguments:?} leaves temporary files");
        Self { arguments, last, before, after }
    }

    /// Checks that each file is either old or new, and that the files of a run are all old or all
    /// new.
    fn check(&self, found: &Files, what: &str) {
        let names = self.before.keys().chain(self.after.keys()).chain(found.keys());
        for path in names.filter(|path| !is_temporary(path)) {
            let bytes = found.get(path);
            if is_kept(path) {
                let is_new = |(other, new): (&PathBuf, &Vec<u8>)| {
                    other.file_name() == path.file_name()
                        && bytes.is_some_and(|bytes| without_data_folder(bytes) == without_data_folder(new))
                };
                assert!(self.after.iter().any(is_new), "{what}: {} is not new", path.display());
                continue;
            }
            let is_whole = bytes == self.before.get(path) || bytes == self.after.get(path);
            let may_be_absent = bytes.is_none() && self.last.is_some_and(|last| path == Path::new(last));
            assert!(is_whole || may_be_absent, "{what}: {} is neither old nor new", path.display());
        }
        let Some(last) = self.last.map(Path::new) else { return };
        let together = |files: &Files| -> Files {
            let is_there = |path: &PathBuf| path.parent() == last.parent() && !is_temporary(path);
            files.iter().filter(|(path, _)| is_there(path)).map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
        };
        let found = together(found);
        if found.contains_key(last) {
            let is_one = found == together(&self.before) || found == together(&self.after);
            assert!(is_one, "{what}: {} exists, but old and new files are mixed", last.display());
        }
    }

    /// Kills the command at each of its changes in turn and calls `check` on the project's folder.
    /// Returns the number of changes.
    fn killed(&self, mut check: impl FnMut(&Path)) -> usize {
        for change in 0.. {
            let project = folder_with(&self.before);
            let exit = fault::host_trainer(project.path(), self.arguments, Fault::Kill, change);
            let found = files(project.path());
            if exit.call.is_none() {
                assert_eq!((exit.code, &found), (Some(0), &self.after), "{:?}: {}", self.arguments, exit.stderr);
                return change;
            }
            assert_eq!((exit.code, exit.stdout.as_str()), (None, ""), "{:?}", self.arguments);
            self.check(&found, &format!("{:?} killed at change {change}", self.arguments));
            check(project.path());
        }
        unreachable!("a program ends")
    }

    /// Fails each change of the command in turn with `reason`. Returns the number of changes.
    fn failed(&self, reason: Errno) -> usize {
        for change in 0.. {
            let project = folder_with(&self.before);
            let exit = fault::host_trainer(project.path(), self.arguments, Fault::Fail(reason), change);
            let what = format!("{:?}, {reason} at change {change}, {exit:?}", self.arguments);
            let found = files(project.path());
            let Some(call) = exit.call else {
                assert_eq!((exit.code, &found), (Some(0), &self.after), "{what}");
                return change;
            };
            self.check(&found, &what);
            // A temporary file whose removal fails stays.
            let removes = [SYS_unlink, SYS_unlinkat].contains(&call);
            assert!(removes || !found.keys().any(|path| is_temporary(path)), "{what}: a temporary file is left");
            // Syncing a folder may fail without an error, and links are replaced by copies.
            let may_fail = [SYS_fsync, SYS_link, SYS_linkat, SYS_rmdir].contains(&call);
            if exit.code == Some(0) && (removes || may_fail) {
                continue;
            }
            assert_eq!((exit.code, exit.stdout.as_str()), (Some(1), ""), "{what}");
            assert_eq!(exit.stderr.matches("error: ").count(), 1, "{what}");
            let error = format!("(os error {})", reason as i32);
            assert!(exit.stderr.contains(&error) && !exit.stderr.contains("panicked"), "{what}");
        }
        unreachable!("a program ends")
    }
}

/// Returns a project with a run, and the weights of a second network to replace it.
fn project_with_two_networks() -> Project {
    let project = Project::new();
    project.train(&["--run", "run", "--export", "model.bin"]).success();
    project.train(&["--seed", "2", "--run", "other"]).success();
    fs::rename(project.path().join("other/weights.safetensors"), project.path().join("weights")).unwrap();
    fs::remove_dir_all(project.path().join("other")).unwrap();
    project
}

const IMPORT: [&str; 9] =
    ["import", "weights", "--data", "data", "--export", "model.bin", "--run", "run", "--overwrite"];

#[test]
fn a_replaced_run_is_old_new_or_recognized_as_incomplete() {
    let project = project_with_two_networks();
    let work = Work::new(project.path(), &IMPORT, Some("run/model.bin"));
    let mut unfinished = 0;
    let changes = work.killed(|left| {
        if left.join("run/model.bin").exists() {
            return;
        }
        unfinished += 1;
        // Every command reports it as incomplete, and importing again repairs it.
        let run = |arguments: &[&str]| host_trainer(left).args(arguments).assert();
        failure(run(&["evaluate", "run", "--data", "data"]), 1, &["cannot read model run/model.bin"]);
        failure(run(&["train", "--data", "data", "--from", "run"]), 1, &["run/model.bin is missing"]);
        let missing = json(run(&["report", "run", "--json"]))["missing"].clone();
        assert!(missing.to_string().contains("other files may be from another run"), "{missing}");
        run(&IMPORT).success();
        let repaired: Files = files(left).into_iter().filter(|(path, _)| !is_temporary(path)).collect();
        assert!(work.after.iter().all(|(path, bytes)| repaired.get(path) == Some(bytes)));
    });
    println!("{changes} changes; the run is unfinished between {unfinished} of them");
    // Ten files and the export: each is created, written, synced and renamed.
    assert!(changes >= 44 && (10..20).contains(&unfinished), "{changes} changes, {unfinished} of them between");
}

#[test]
fn a_new_run_is_complete_or_recognized_as_incomplete() {
    let project = project_with_two_networks();
    fs::remove_dir_all(project.path().join("run")).unwrap();
    Work::new(project.path(), &IMPORT, Some("run/model.bin")).killed(|left| {
        if left.join("run").exists() && !left.join("run/model.bin").exists() {
            let assert = host_trainer(left).args(["evaluate", "run", "--data", "data"]).assert();
            failure(assert, 1, &["cannot read model run/model.bin"]);
        }
    });
}

#[test]
fn a_replaced_cascade_is_old_new_or_has_no_model() {
    let project = project_with_two_networks();
    project.train(&["--hidden", "none", "--run", "small"]).success();
    let cascade = ["cascade", "small", "run", "--data", "data", "--run", "both", "--overwrite", "--defer"];
    project.command(&cascade).arg("0.25").assert().success();
    let replace = [&cascade[..], &["0.75", "--export", "model.bin"]].concat();
    let work = Work::new(project.path(), &replace, Some("both/model.bin"));
    // Five files and the export: each is created, written, synced and renamed.
    assert!(work.killed(|_| ()) >= 24);
}

#[test]
fn every_exported_file_is_old_or_new() {
    let project = project_with_two_networks();
    let page = "<!-- begin: written by `cargo xtask frontier` -->\nold\n<!-- end -->\n";
    for (name, content) in [("page.md", page), ("out.bin", "PRENDA\x1a\nold"), ("out.html", "old"), ("out.png", "old")]
    {
        fs::write(project.path().join(name), content).unwrap();
    }
    fs::create_dir(project.path().join("out")).unwrap();
    fs::write(project.path().join("out/mistakes.svg"), "old").unwrap();
    fs::write(project.path().join("out/model.h"), "old").unwrap();
    fs::write(project.path().join("out/model.c"), "old").unwrap();
    let works: [&[&str]; 7] = [
        &["export", "model.bin", "--c", "out", "--overwrite"],
        &["reorder", "model.bin", "--weight-order", "vectors", "--export", "out.bin"],
        &["report", "run", "--out", "out.html"],
        &["predict", "model.bin", "--index", "1", "--data", "data", "--picture", "out.png"],
        &["evaluate", "model.bin", "--data", "data", "--answers", "out.bin"],
        &["evaluate", "model.bin", "--data", "data", "--answers", "out.bin", "--pictures", "out"],
        &["frontier", "--data", "data", "--draw-only", "--export", "out.json", "--table", "page.md"],
    ];
    for arguments in works {
        let work = Work::new(project.path(), arguments, None);
        let changes = work.killed(|_| ());
        println!("{changes} changes of {arguments:?}");
        // Tested, created, written, synced, renamed.
        assert!(changes >= 5, "{arguments:?}");
    }
}

#[test]
fn a_failing_system_call_is_an_error_and_leaves_no_files() {
    let project = project_with_two_networks();
    assert!(Work::new(project.path(), &IMPORT, Some("run/model.bin")).failed(Errno::ENOSPC) >= 44);
    let reorder = ["reorder", "model.bin", "--weight-order", "vectors", "--export", "out.bin"];
    assert!(Work::new(project.path(), &reorder, None).failed(Errno::EIO) >= 5);
}

#[test]
fn a_file_above_the_size_limit_is_an_error_and_leaves_no_files() {
    let folder = tempfile::tempdir().unwrap();
    write_data(&folder.path().join("data"));
    host_trainer(folder.path())
        .args(["train", "--data", "data", "--epochs", "1", "--export", "model.bin"])
        .assert()
        .success();
    let before = files(folder.path());
    let mut command = assert_cmd::Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 2; exec \"$0\" \"$@\""]);
    command.arg(assert_cmd::cargo::cargo_bin("host-trainer")).current_dir(folder.path());
    let reorder = ["reorder", "model.bin", "--weight-order", "vectors", "--export", "model2.bin"];
    failure(command.args(reorder).assert(), 1, &["cannot write model2.bin", "File too large"]);
    assert_eq!(files(folder.path()), before);
}
