//! Layers in words, as `host-trainer train --network` takes them.

use core::fmt::{Display, Formatter, Result};

use super::layer::{Layer, LayerKind};
use super::network::Network;
use super::shape::{Shape, Window};

/// Writes the layer as in `conv 8 3x3 stride 2`.
impl Display for Layer<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        let (kind, channels) = (self.kind(), self.output().channels);
        formatter.write_str(kind.name())?;
        if matches!(kind, LayerKind::Dense | LayerKind::Convolution(_)) {
            write!(formatter, " {channels}")?;
        }
        let Some(window) = kind.window() else { return Ok(()) };
        formatter.write_str(" ")?;
        write_window(formatter, window, self.input(), !kind.has_matrix())
    }
}

/// Writes all layers as in `conv 8 3x3; dense 10`.
impl Display for Network<'_, '_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        for (index, layer) in self.layers().iter().enumerate() {
            write!(formatter, "{}{layer}", if index > 0 { "; " } else { "" })?;
        }
        Ok(())
    }
}

/// Writes a window over values of shape `input`, without the defaults: for a pool, a stride as
/// large as the window and no padding; otherwise, a stride of 1 and `same`.
fn write_window(formatter: &mut Formatter<'_>, window: Window, input: Shape, is_pool: bool) -> Result {
    if is_pool && Window::covering(input) == Some(window) {
        return formatter.write_str("global");
    }
    let Window { kernel: [rows, columns], stride, padding } = window;
    write!(formatter, "{rows}x{columns}")?;
    match stride {
        usual if usual == if is_pool { window.kernel } else { [1, 1] } => {}
        [rows, columns] if rows == columns => write!(formatter, " stride {rows}")?,
        [rows, columns] => write!(formatter, " stride {rows}x{columns}")?,
    }
    let is_same = padding == Window::same_padding(window.kernel, stride, input);
    match padding {
        [0, 0, 0, 0] if is_pool => Ok(()),
        _ if is_same => formatter.write_str(if is_pool { " same" } else { "" }),
        [0, 0, 0, 0] => formatter.write_str(" valid"),
        [top, left, bottom, right] if [top, left, bottom] == [right; 3] => write!(formatter, " pad {top}"),
        // Only files of other programs have such padding.
        [top, left, bottom, right] => write!(formatter, " pad {top},{left},{bottom},{right}"),
    }
}
