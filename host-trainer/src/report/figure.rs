//! A picture inside the page.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

/// An SVG as an image of its own, so that its identifiers and styles stay its own; `text` says what can be seen.
pub fn figure(svg: &str, text: &str) -> Markup {
    let address = format!("data:image/svg+xml;base64,{}", STANDARD.encode(svg));
    html! {
        figure {
            div.scroll tabindex="0" role="group" aria-label=(text) { img src=(address) alt=(text); }
        }
    }
}
