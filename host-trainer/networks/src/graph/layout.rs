//! The order of values in a file's tensor.

use prenda::Shape;

/// An axis of images and of a layer's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    Row,
    Column,
    Channel,
}

use Axis::{Channel, Column, Row};

/// The dimensions of a tensor after the batch. Each is a list of axes, the slowest first; axes of
/// size 1 are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    shape: Shape,
    dimensions: Vec<Vec<Axis>>,
}

impl Layout {
    /// Returns the layout of images of the shape `image` in a tensor of `sizes`, which has one
    /// dimension for each axis, or one for all.
    pub fn of_image(image: Shape, sizes: &[usize], is_by_channel: bool) -> Option<Self> {
        let orders = if is_by_channel && sizes.len() > 1 {
            [[Channel, Row, Column], [Row, Column, Channel]]
        } else {
            [[Row, Column, Channel]; 2]
        };
        let mut found = orders.iter().filter_map(|axes| grouped(image, axes, sizes));
        Some(Self { shape: image, dimensions: found.next()? })
    }

    /// Returns the layout of a layer's outputs with one dimension for each axis.
    pub fn of_outputs(shape: Shape, is_by_channel: bool) -> Self {
        let dimension = |axis| if size(shape, axis) > 1 { vec![axis] } else { Vec::new() };
        let dimensions = axes(is_by_channel).map(dimension).to_vec();
        Self { shape, dimensions }
    }

    /// Returns the shape of the values in a model.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Returns the size of each dimension.
    pub fn sizes(&self) -> Vec<usize> {
        let product = |axes: &Vec<Axis>| axes.iter().map(|axis| size(self.shape, *axis)).product();
        self.dimensions.iter().map(product).collect()
    }

    /// Returns true if the tensor has one dimension for each axis, in the order that a framework
    /// with or without channels first has.
    pub fn is_image(&self, is_by_channel: bool) -> bool {
        *self == Self::of_outputs(self.shape, is_by_channel)
    }

    /// Returns true if the last dimension has all values.
    pub fn is_row(&self) -> bool {
        self.dimensions.split_last().is_some_and(|(_, others)| others.iter().all(Vec::is_empty))
    }

    /// Returns the layout after a dense layer of `outputs`, which replaces the last dimension.
    pub fn with_outputs(&self, outputs: u16) -> Self {
        let mut dimensions = vec![Vec::new(); self.dimensions.len().saturating_sub(1)];
        dimensions.push(if outputs > 1 { vec![Channel] } else { Vec::new() });
        Self { shape: Shape { rows: 1, columns: 1, channels: outputs }, dimensions }
    }

    /// Returns the layout with other `sizes`, if each new dimension has whole axes.
    pub fn reshaped(&self, sizes: &[usize]) -> Option<Self> {
        let axes: Vec<Axis> = self.dimensions.concat();
        Some(Self { shape: self.shape, dimensions: grouped(self.shape, &axes, sizes)? })
    }

    /// Returns the layout with the dimensions in another `order`.
    pub fn transposed(&self, order: &[usize]) -> Option<Self> {
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        let is_order = sorted.iter().copied().eq(0..self.dimensions.len());
        let dimensions = order.iter().map(|&index| self.dimensions.get(index).cloned()).collect::<Option<_>>()?;
        is_order.then_some(Self { shape: self.shape, dimensions })
    }

    /// Returns the place in the tensor of each value of a model, in its order.
    pub fn places(&self) -> Vec<usize> {
        let sizes = self.sizes();
        let place = |value| sizes.iter().zip(self.indices(value)).fold(0, |place, (size, index)| place * size + index);
        (0..self.shape.count()).map(place).collect()
    }

    /// Returns for each value of a model, in its order, the one of a constant tensor that an
    /// elementwise operator combines with it, or `None` if their sizes do not fit.
    pub fn spread(&self, sizes: &[usize], values: &[f64]) -> Option<Vec<f64>> {
        // Dimensions are aligned at the last one; the batch is before ours.
        let extra = sizes.len().saturating_sub(self.dimensions.len());
        let (batch, sizes) = sizes.split_at_checked(extra)?;
        let own = self.sizes();
        let missing = own.len() - sizes.len();
        let fits = sizes.iter().zip(own.iter().skip(missing)).all(|(size, own)| *size == 1 || size == own);
        if !fits || batch.iter().any(|size| *size != 1) || values.len() != sizes.iter().product::<usize>() {
            return None;
        }
        let place = |value| {
            let indices = self.indices(value).skip(missing);
            sizes.iter().zip(indices).fold(0, |place, (&size, index)| place * size + if size == 1 { 0 } else { index })
        };
        (0..self.shape.count()).map(|value| values.get(place(value)).copied()).collect()
    }

    /// Returns the index of a value of a model in each dimension.
    fn indices(&self, value: usize) -> impl Iterator<Item = usize> {
        let [columns, channels] = [self.shape.columns, self.shape.channels].map(usize::from);
        let index = move |axis: &Axis| match axis {
            Row => value / channels / columns,
            Column => value / channels % columns,
            Channel => value % channels,
        };
        let shape = self.shape;
        let combine = move |axes: &Vec<Axis>| axes.iter().fold(0, |all, axis| all * size(shape, *axis) + index(axis));
        self.dimensions.iter().map(combine)
    }
}

/// Returns the axes in the order of a framework.
fn axes(is_by_channel: bool) -> [Axis; 3] {
    if is_by_channel { [Channel, Row, Column] } else { [Row, Column, Channel] }
}

fn size(shape: Shape, axis: Axis) -> usize {
    match axis {
        Row => shape.rows.into(),
        Column => shape.columns.into(),
        Channel => shape.channels.into(),
    }
}

/// Splits `axes` into dimensions of `sizes`, if each has whole axes.
fn grouped(shape: Shape, axes: &[Axis], sizes: &[usize]) -> Option<Vec<Vec<Axis>>> {
    let mut axes = axes.iter().copied().filter(|axis| size(shape, *axis) > 1);
    let mut dimensions = Vec::with_capacity(sizes.len());
    for &wanted in sizes {
        let (mut dimension, mut product) = (Vec::new(), 1);
        while product < wanted {
            let axis = axes.next()?;
            product *= size(shape, axis);
            dimension.push(axis);
        }
        if product != wanted {
            return None;
        }
        dimensions.push(dimension);
    }
    axes.next().is_none().then_some(dimensions)
}
