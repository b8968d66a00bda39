//! The playground's page: the model in it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use thiserror::Error;

/// Start of the element that has the model. No other part of a page has it.
const START: &str = r#"<script type="application/octet-stream" id="model""#;
const END: &str = "</script>";

/// The page of another program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("it is not a playground's page; write one with `cargo xtask playground`")]
pub struct NoPlayground;

/// Returns the element with a model. `framing` has the numbers of the data set's form, nothing for
/// whole images, and is `None` for Fashion-MNIST's form.
#[must_use]
pub fn model_element(model: &[u8], framing: Option<&[f64]>) -> String {
    let framing = framing.map_or_else(String::new, |numbers| {
        let numbers: Vec<String> = numbers.iter().map(f64::to_string).collect();
        format!(r#" data-framing="{}""#, numbers.join(" "))
    });
    format!("{START}{framing}>{}{END}", BASE64_STANDARD.encode(model))
}

/// Returns `page` with another model in it.
///
/// # Errors
///
/// Returns [`NoPlayground`] if the page has no place for one.
pub fn with_model(page: &str, model: &[u8], framing: Option<&[f64]>) -> Result<String, NoPlayground> {
    let (before, rest) = page.split_once(START).ok_or(NoPlayground)?;
    let (_, after) = rest.split_once(END).ok_or(NoPlayground)?;
    Ok(format!("{before}{}{after}", model_element(model, framing)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_gets_another_model() {
        let page = |model: &[u8], framing| format!("<p>{}</p><script>1</script>", model_element(model, framing));
        let (one, two) = (page(b"one", None), page(b"two", Some(&[-1.0, 0.25])));
        assert_eq!(with_model(&one, b"two", Some(&[-1.0, 0.25])), Ok(two.clone()));
        assert_eq!(with_model(&two, b"one", None), Ok(one));
        assert!(two.contains(r#"data-framing="-1 0.25">dHdv<"#), "{two}");
        assert_eq!(with_model("<html><script></script>", b"", None), Err(NoPlayground));
        assert_eq!(with_model(START, b"", None), Err(NoPlayground));
    }
}
