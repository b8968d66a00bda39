//! Checks the text of all tracked files against the style that CONTRIBUTING.md describes.

use std::path::Path;
use std::process::Command;
use std::{fs, str};

use regex::Regex;

/// Longest comment line and longest code line, in characters.
const MAX_COMMENT: usize = 100;
const MAX_CODE: usize = 120;

/// A forbidden pattern, and the advice on what to write.
type Rule = (Regex, &'static str);

/// Returns the words that readers stumble over, in comments, strings and documents.
fn words() -> Vec<Rule> {
    rules(&[
        (r"\bbehind\b", "write `after`, `next to` or `through`"),
        (r"\bso many\b", "write `that many` or the number"),
        (r"\b(is|are) none\b", "write `does not exist` or `there are no ...`"),
        (r"\b(came|comes) of\b", "write `result`"),
        (r"; nothing (where|if)\b", "write ``Returns `None` if``"),
        (r"\bis no [a-z]+", "write `is not a ...`"),
        (r"\b(rightly|anew|mends?|mended)\b", "write `correctly`, `again` or `fixes`"),
        (r"\bdesks?\b", "write `host` or `hardware board`"),
        // JSON keys and options keep the word.
        (r#"(^|[^-\w"`])pictures?\b([^ ]| [^=]|$)|"pictures? "#, "write `image`, or `plot` for a drawing"),
    ])
}

/// Returns the words that must not begin a comment line.
fn beginnings() -> Vec<Rule> {
    rules(&[(r"^//[/!]? (What|That|Where|Whether|Of|As|How) ", "begin with a verb, `If` or `Like`")])
}

/// Returns the rule against paths of one machine.
fn paths() -> Vec<Rule> {
    rules(&[(r"(^|[^\w.])/(work|root|home/\w+)/", "do not name a path of one machine")])
}

fn rules(table: &[(&str, &'static str)]) -> Vec<Rule> {
    table.iter().map(|(pattern, advice)| (Regex::new(pattern).unwrap(), *advice)).collect()
}

/// Returns a description of each line of `text` that breaks a rule.
fn offences(path: &str, text: &str, [words, beginnings]: [&[Rule]; 2]) -> Vec<String> {
    let (is_rust, is_markdown) = (path.ends_with(".rs"), path.ends_with(".md"));
    let mut found = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let trimmed = line.trim_start();
        let is_comment = if is_rust { trimmed.starts_with("//") } else { trimmed.starts_with("# ") };
        let mut report = |advice: &str| found.push(format!("{path}:{number}: {advice}: {trimmed}"));
        let rules = words.iter().chain(beginnings.iter().filter(|_| is_rust && is_comment));
        for (_, advice) in rules.filter(|(pattern, _)| pattern.is_match(trimmed)) {
            report(advice);
        }
        let limit = if is_comment { MAX_COMMENT } else { MAX_CODE };
        if (is_rust || is_comment && !is_markdown) && line.chars().count() > limit {
            report(&format!("break the line at {limit} columns"));
        }
    }
    found
}

#[test]
fn every_tracked_file_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(&root).output().unwrap();
    assert!(listed.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&listed.stderr));
    let (words, beginnings) = ([words(), paths()].concat(), beginnings());
    let kinds = ["rs", "md", "toml", "yml", "yaml", "x"];
    let mut found = Vec::new();
    for path in str::from_utf8(&listed.stdout).unwrap().split_terminator('\0') {
        let is_text = Path::new(path).extension().is_some_and(|kind| kinds.iter().any(|other| kind == *other));
        let is_this = path.ends_with("xtask/tests/tidy.rs");
        // A file may be removed from the folder and not yet from the index.
        if let (true, false, Ok(text)) = (is_text, is_this, fs::read_to_string(root.join(path))) {
            found.extend(offences(path, &text, [&words, &beginnings]));
        }
    }
    assert!(found.is_empty(), "{} lines are not tidy:\n{}", found.len(), found.join("\n"));
}

#[test]
fn a_line_that_breaks_a_rule_is_found() {
    let (words, beginnings) = ([words(), paths()].concat(), beginnings());
    let count = |path, line| offences(path, line, [&words, &beginnings]).len();
    let own_path = format!("# See {}notes.", concat!("/", "root/"));
    let [long, long_toml] = ["//", "#"].map(|mark| format!("{mark} {}", "long ".repeat(20)));
    for (path, line) in [
        ("a.rs", "/// What it counts."),
        ("a.rs", "    // Waits behind the other."),
        ("a.rs", "let text = \"pictures differ\";"),
        ("a.md", "The device has so many bytes."),
        ("a.toml", &own_path),
        ("a.rs", &long),
        ("a.toml", &long_toml),
    ] {
        assert_eq!(count(path, line), 1, "{line}");
    }
    for (path, line) in [
        ("a.rs", "/// Counts what it reads."),
        ("a.rs", "#[serde(rename = \"pictures\")]"),
        ("a.rs", "let advice = \"name a folder with --pictures\";"),
        ("a.toml", "pictures = 128"),
        ("a.md", "What is proved"),
    ] {
        assert_eq!(count(path, line), 0, "{line}");
    }
}
