//! The arguments of the macro.

use proc_macro::{Delimiter, TokenStream, TokenTree};

/// `#[attribute] pub mod name = "path";`
pub struct Arguments {
    /// Attributes and visibility of the module, as written.
    pub before: String,
    /// Name of the module.
    pub name: String,
    /// Path of the model.
    pub path: String,
}

/// The form expected, for errors.
const FORM: &str = "expected `mod NAME = \"PATH\";`, for example `mod shoes = \"models/shoes.bin\";`";

impl Arguments {
    /// Parses the tokens between the parentheses of the macro.
    pub fn parse(input: TokenStream) -> Result<Self, String> {
        let mut tokens = ungrouped(input).into_iter();
        let mut before = Vec::new();
        loop {
            match tokens.next() {
                Some(TokenTree::Ident(word)) if word.to_string() == "mod" => break,
                Some(token) => before.push(token),
                None => return Err(FORM.to_owned()),
            }
        }
        let Some(TokenTree::Ident(name)) = tokens.next() else { return Err(FORM.to_owned()) };
        if !matches!(tokens.next(), Some(TokenTree::Punct(mark)) if mark.as_char() == '=') {
            return Err(FORM.to_owned());
        }
        let path = tokens.next().and_then(|token| text(&token.to_string())).ok_or(FORM)?;
        let is_end = |token: &TokenTree| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ';');
        if !tokens.by_ref().all(|token| is_end(&token)) {
            return Err(FORM.to_owned());
        }
        let before = TokenStream::from_iter(before).to_string();
        Ok(Self { before, name: name.to_string(), path })
    }
}

/// Removes the invisible groups around what another macro passed on.
fn ungrouped(input: TokenStream) -> Vec<TokenTree> {
    let each = |token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => ungrouped(group.stream()),
        other => vec![other],
    };
    input.into_iter().flat_map(each).collect()
}

/// Returns the content of a string literal; `None` for other tokens.
fn text(literal: &str) -> Option<String> {
    let rest = literal.strip_prefix('r').unwrap_or(literal);
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let marks = &rest[..hashes];
    let inner = rest[hashes..].strip_prefix('"')?.strip_suffix(marks)?.strip_suffix('"')?;
    if literal.starts_with('r') { Some(inner.to_owned()) } else { Some(unescaped(inner)) }
}

/// Replaces the escapes that a path can have.
fn unescaped(text: &str) -> String {
    text.replace("\\\\", "\\").replace("\\\"", "\"")
}
