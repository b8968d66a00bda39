//! Options that say how a data set is read.

use clap::Args;
use host_support::numbers::whole;

use super::number::{image_size, share_below_one};
use crate::data::Reading;

#[derive(Debug, Args)]
pub struct ReadingArguments {
    /// Rows and columns of all images, for example 28x28
    ///
    /// The largest part in the middle of an image file that has this aspect is scaled. A row of a
    /// table or an array is divided into rows of pixels.
    #[arg(long, value_name = "ROWSxCOLUMNS", value_parser = image_size)]
    image_size: Option<[u16; 2]>,
    /// Make colours grey: 21 % red, 72 % green, 7 % blue
    #[arg(long)]
    grey: bool,
    /// Share of the images of each class to test with, above 0 and below 1, for a data set without
    /// test images
    #[arg(long, value_name = "SHARE", value_parser = test_share)]
    test_share: Option<f64>,
    /// Choice of these images, 0..=18446744073709551615 [default: 1]
    #[arg(long, value_name = "N", value_parser = whole::<u64>(0..), requires = "test_share")]
    test_seed: Option<u64>,
    /// Arrays of an NPZ archive: images and labels for training, and for testing unless there is
    /// --test-share [default: Keras' or MedMNIST's names, or images,labels or x,y]
    #[arg(long = "key", value_name = "NAME,..", value_delimiter = ',')]
    keys: Vec<String>,
    /// Column of the label in a CSV file: first, last, or a name in its first line [default: the
    /// one named label, class, target, species or y, otherwise the first]
    #[arg(long, value_name = "COLUMN")]
    label_column: Option<String>,
    /// Read each column of a CSV file or of a two-dimensional array as a feature, not as a pixel
    ///
    /// Values may be any numbers. The smallest of a column's values for training becomes 0, the
    /// largest 255; the model keeps names and scalings, so that a device takes raw words of
    /// sensors. A raw word is a value times a power of ten, which `data` and `inspect` print.
    #[arg(long, conflicts_with = "grey")]
    features: bool,
    /// Leave out images that cannot be read, instead of refusing the data set
    #[arg(long)]
    skip_unreadable: bool,
}

impl From<&ReadingArguments> for Reading {
    fn from(arguments: &ReadingArguments) -> Self {
        let ReadingArguments { image_size, grey, test_share, test_seed, features, skip_unreadable, .. } = *arguments;
        let ReadingArguments { keys, label_column, .. } = arguments;
        let (keys, label_column) = (keys.clone(), label_column.clone());
        Self { image_size, grey, test_share, test_seed, keys, label_column, features, skip_unreadable }
    }
}

fn test_share(text: &str) -> Result<f64, String> {
    share_below_one(text).ok().filter(|share| *share > 0.0).ok_or_else(|| "expected above 0 and below 1".to_owned())
}
