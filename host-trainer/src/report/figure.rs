//! A picture inside the page.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

/// What a picture is not made narrower than, in CSS pixels; its words could not be read.
const MIN_WIDTH: u32 = 544;

/// An SVG as an image of its own, so that its identifiers and styles stay its own; `text` says what can be seen.
/// Where there is no room for it, it can be moved.
pub fn figure(svg: &str, text: &str) -> Markup {
    let address = format!("data:image/svg+xml;base64,{}", STANDARD.encode(svg));
    let least = format!("min-width:{}px", width(svg).map_or(MIN_WIDTH, |width| width.min(MIN_WIDTH)));
    html! {
        figure {
            div.scroll tabindex="0" role="group" aria-label=(text) { img src=(address) alt=(text) style=(least); }
        }
    }
}

/// What the picture's own tag says, in whole pixels.
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
    fn the_width_is_that_of_the_picture() {
        assert_eq!(width("<?xml width=\"9\"?><svg height=\"1\" width=\"640px\"><rect width=\"3\"/></svg>"), Some(640));
        for without in ["<svg><rect width=\"3\"/></svg>", "<svg width=\"100%", "<svg width=\"wide\">", ""] {
            assert_eq!(width(without), None, "{without}");
        }
    }

    #[test]
    fn what_a_picture_says_cannot_leave_it() {
        let text = figure("<svg>\"><script>", "a \"b\" <c>").into_string();
        assert!(!text.contains("<script>") && text.contains("alt=\"a &quot;b&quot; &lt;c&gt;\""), "{text}");
    }
}
