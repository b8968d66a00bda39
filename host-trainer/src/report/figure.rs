//! A plot inside the page.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

/// Smallest width of a plot, as a share of its own; below, its text is unreadable.
const MIN_SCALE: f64 = 0.72;

/// Colours on a dark ground for plots of older runs, which have a white one.
const DARK: &str =
    "<style>@media(prefers-color-scheme:dark){svg>rect:first-of-type{fill:#14171b}text{fill:#e4e8ec}}</style>";

/// Returns a scrollable figure of an SVG, described by `text`. As an image, its identifiers and
/// styles do not affect the page.
pub fn figure(svg: &str, text: &str) -> Markup {
    let address = format!("data:image/svg+xml;base64,{}", STANDARD.encode(&*following(svg)));
    let min_width = width(svg).map(|width| format!("min-width:{:.0}px", MIN_SCALE * f64::from(width)));
    html! {
        figure {
            div.scroll tabindex="0" role="group" aria-label=(text) { img src=(address) alt=(text) style=[min_width]; }
        }
    }
}

/// Returns an SVG that follows a dark colour scheme.
fn following(svg: &str) -> Cow<'_, str> {
    let content = svg.find("<svg").and_then(|tag| Some(tag + svg[tag..].find('>')? + 1));
    match content {
        Some(content) if !svg.contains("prefers-color-scheme") => {
            [&svg[..content], DARK, &svg[content..]].concat().into()
        }
        _ => svg.into(),
    }
}

/// Returns the width that the SVG's tag gives, in whole pixels.
fn width(svg: &str) -> Option<u32> {
    let (_, tag) = svg.split_once("<svg")?;
    let (tag, _) = tag.split_once('>')?;
    let (_, value) = tag.split_once(" width=\"")?;
    let digits = value.split(|character: char| !character.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_width_is_read_from_the_svg_tag() {
        assert_eq!(width("<?xml width=\"9\"?><svg height=\"1\" width=\"640px\"><rect width=\"3\"/></svg>"), Some(640));
        for without in ["<svg><rect width=\"3\"/></svg>", "<svg width=\"100%", "<svg width=\"wide\">", ""] {
            assert_eq!(width(without), None, "{without}");
        }
    }

    #[test]
    fn only_older_plots_get_colours_for_a_dark_scheme() {
        let old = following("<svg a=\"b\"><rect/></svg>");
        assert!(old.starts_with("<svg a=\"b\"><style>") && old.ends_with("</style><rect/></svg>"), "{old}");
        for kept in ["<svg><style>@media(prefers-color-scheme:dark){}</style></svg>", "<svg", ""] {
            assert_eq!(following(kept), kept);
        }
    }

    #[test]
    fn markup_in_an_svg_does_not_reach_the_page() {
        let text = figure("<svg>\"><script>", "a \"b\" <c>").into_string();
        assert!(!text.contains("<script>") && text.contains("alt=\"a &quot;b&quot; &lt;c&gt;\""), "{text}");
    }
}
