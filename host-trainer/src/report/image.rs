//! Images of few pixels inside the page.

use maud::{Markup, html};

use crate::plot::{Size, data_uri};

/// Returns an image whose pixels are visible, described by `text`. Returns `None` if `pixels` do
/// not have this `size`.
pub fn image(pixels: &[u8], size: Size, text: &str) -> Option<Markup> {
    let address = data_uri(pixels, size).ok()?;
    let [rows, columns, _] = size;
    Some(html! { img.pixels src=(address) alt=(text) width=(columns) height=(rows); })
}
