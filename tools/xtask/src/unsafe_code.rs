//! `cargo xtask unsafe`: every piece of unsafe code of the repository, with the reason that stands beside it.

use std::path::{Path, PathBuf};
use std::{fmt, fs};

use anyhow::{Context, Result, anyhow, bail};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::output::print;
use crate::workspace::Workspace;

/// Where there may be some: registers and memory, and kernels in assembly.
const PLACES: [&str; 2] = ["firmware/src/hw", "shared-model/src/kernel/core"];

/// A piece of unsafe code.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    line: usize,
    kind: Kind,
    /// Of a block or an implementation, why it holds there; of the others, what a caller has to see to.
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Block,
    Implementation,
    Function,
    /// A type of functions that are unsafe to call.
    FunctionType,
    /// Symbols from elsewhere.
    Foreign,
    /// Of an attribute, such as `naked`.
    Attribute,
}

/// `cargo xtask unsafe`.
///
/// # Errors
/// When a piece has no reason, or is where none belongs.
pub fn command(workspace: &Workspace) -> Result<()> {
    let pieces = all(&workspace.root)?;
    for (name, Piece { line, kind, reason }) in &pieces {
        print(format_args!("{name}:{line}: {kind}: {}", reason.as_deref().unwrap_or("NO REASON IS GIVEN")))?;
    }
    let count = |kind| pieces.iter().filter(|(_, piece)| piece.kind == kind).count();
    print(format_args!(
        "\n{} blocks, {} implementations, {} functions, {} types of functions, {} lists of foreign symbols, {} attributes",
        count(Kind::Block),
        count(Kind::Implementation),
        count(Kind::Function),
        count(Kind::FunctionType),
        count(Kind::Foreign),
        count(Kind::Attribute),
    ))?;
    let faults: Vec<String> = pieces.iter().filter_map(|(name, piece)| fault(name, piece)).collect();
    if faults.is_empty() { Ok(()) } else { bail!("{}", faults.join("\n       ")) }
}

/// The pieces of all sources below `root`, each with the name of its file.
fn all(root: &Path) -> Result<Vec<(String, Piece)>> {
    let mut pieces = Vec::new();
    for path in sources(root)? {
        let source = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        let found = find(&source).map_err(|error| anyhow!("{name}: {error}"))?;
        pieces.extend(found.into_iter().map(|piece| (name.clone(), piece)));
    }
    Ok(pieces)
}

/// What is wrong with a piece.
fn fault(name: &str, piece: &Piece) -> Option<String> {
    let place = format!("{name}:{}", piece.line);
    if !PLACES.iter().any(|folder| Path::new(name).starts_with(folder)) {
        return Some(format!("{place}: unsafe code belongs in {}", PLACES.join(" and ")));
    }
    piece.reason.is_none().then(|| format!("{place}: write beside it why it holds, or what a caller has to see to"))
}

/// All Rust sources, in order.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read the folder {}", folder.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read the folder {}", folder.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && !name.starts_with('.') && name != "target" {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The pieces of a source, by its tokens: comments and strings have none.
fn find(source: &str) -> Result<Vec<Piece>> {
    let tokens: TokenStream = source.parse().map_err(|error| anyhow!("this is not Rust: {error}"))?;
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let mut pieces = Vec::new();
    visit(tokens, &mut |line, kind| pieces.push(Piece { line, kind, reason: reason(&lines, line) }));
    Ok(pieces)
}

/// Tells `each` of every `unsafe`, by its line, from 1.
fn visit(tokens: TokenStream, each: &mut dyn FnMut(usize, Kind)) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => visit(group.stream(), each),
            TokenTree::Ident(word) if word == "unsafe" => {
                let before = index.checked_sub(1).and_then(|before| tokens.get(before));
                let is_type = matches!(before, Some(TokenTree::Punct(sign)) if "=:<,&".contains(sign.as_char()));
                let behind = tokens.get(index + 1..).unwrap_or_default();
                each(word.span().start().line, kind(behind, is_type));
            }
            _ => {}
        }
    }
}

/// What begins with `unsafe`, by the tokens behind it; `is_type` where the sign before it asks for a type.
fn kind(behind: &[TokenTree], is_type: bool) -> Kind {
    for token in behind {
        match token {
            TokenTree::Ident(word) if word == "impl" || word == "trait" => return Kind::Implementation,
            TokenTree::Ident(word) if word == "fn" && is_type => return Kind::FunctionType,
            TokenTree::Ident(word) if word == "fn" => return Kind::Function,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => return Kind::Attribute,
            TokenTree::Group(_) if matches!(behind.first(), Some(TokenTree::Ident(_))) => return Kind::Foreign,
            TokenTree::Group(_) => return Kind::Block,
            _ => {}
        }
    }
    Kind::Block
}

/// The reason in the comment above a line: behind `SAFETY:`, or below the heading `# Safety`.
fn reason(lines: &[&str], line: usize) -> Option<String> {
    // The line itself may stand in the middle of a statement, or below attributes.
    let goes_on = |text: &&str| text.starts_with("#[") || !text.ends_with([';', '{', '}', ',']);
    let above = lines.get(..line.checked_sub(1)?)?.iter().copied().rev();
    let comment = above.skip_while(|text| !text.starts_with("//") && !text.is_empty() && goes_on(text));
    let mut comment: Vec<&str> = comment.take_while(|text| text.starts_with("//")).collect();
    comment.reverse();

    let mut words = comment.iter().map(|text| text.trim_start_matches(['/', '!']).trim());
    let begins = words.find_map(|text| match text.split_once("SAFETY:") {
        Some((_, reason)) => Some(reason.trim()),
        None => (text == "# Safety").then_some(""),
    })?;
    let all: Vec<&str> = std::iter::once(begins).chain(words).filter(|text| !text.is_empty()).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Block => "block",
            Self::Implementation => "implementation",
            Self::Function => "function",
            Self::FunctionType => "type of functions",
            Self::Foreign => "foreign symbols",
            Self::Attribute => "attribute",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each kind, and what only looks like some.
    const SOURCE: &str = r####"
//! No unsafe { block }.

/// An `unsafe` function.
///
/// # Safety
///
/// Callers see to it,
/// in two lines.
#[inline]
pub unsafe fn function() -> &'static str {
    let text = "unsafe { 1 } // \" unsafe { 2 }";
    let raw = r#"unsafe fn "never"() {}"#;
    // SAFETY: the sum
    // is known.
    let sum = 1
        + unsafe { one() };
    let bare = unsafe { one() };
    text
}

/// # Safety
///
/// As it says.
type Called = unsafe extern "C" fn(u32);

// SAFETY: it has no state.
unsafe impl Send for Nothing {}

// SAFETY: the linker has them.
unsafe extern "C" {
    static start: u32;
}

macro_rules! makes {
    ($name:ident) => {
        // SAFETY: nobody else has this name.
        #[unsafe(no_mangle)]
        fn $name() {}
    };
}
"####;

    #[test]
    fn pieces_are_found_with_their_reasons_and_nothing_else_is() {
        let found = find(SOURCE).unwrap();
        let found: Vec<_> = found.iter().map(|piece| (piece.line, piece.kind, piece.reason.as_deref())).collect();
        let expected = [
            (11, Kind::Function, Some("Callers see to it, in two lines.")),
            (17, Kind::Block, Some("the sum is known.")),
            (18, Kind::Block, None),
            (25, Kind::FunctionType, Some("As it says.")),
            (28, Kind::Implementation, Some("it has no state.")),
            (31, Kind::Foreign, Some("the linker has them.")),
            (38, Kind::Attribute, Some("nobody else has this name.")),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_has_no_reason_or_is_out_of_place_is_told() {
        let piece = |reason: Option<&str>| Piece { line: 7, kind: Kind::Block, reason: reason.map(str::to_owned) };
        assert_eq!(fault("firmware/src/hw/rtt.rs", &piece(Some("so"))), None);
        let told = fault("firmware/src/hw/rtt.rs", &piece(None)).unwrap();
        assert!(told.contains("rtt.rs:7: write beside it why"), "{told}");
        let told = fault("firmware/src/hwmon.rs", &piece(Some("so"))).unwrap();
        assert!(told.contains("hwmon.rs:7: unsafe code belongs in firmware/src/hw and"), "{told}");
    }

    #[test]
    fn this_repository_gives_its_reasons() {
        let pieces = all(&Workspace::find().unwrap().root).unwrap();
        let faults: Vec<_> = pieces.iter().filter_map(|(name, piece)| fault(name, piece)).collect();
        assert!(faults.is_empty(), "{faults:#?}");
        let has = |folder: &str| pieces.iter().any(|(name, _)| Path::new(name).starts_with(folder));
        assert!(PLACES.iter().all(|folder| has(folder)), "sources are not found");
    }
}
