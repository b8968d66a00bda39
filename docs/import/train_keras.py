"""Trains a network of dense layers with Keras 3 and saves its weights for `host-trainer import`.

    pip install numpy keras tensorflow-cpu safetensors
    python train_keras.py [FOLDER OF THE DATA SET [WEIGHTS.safetensors]]
"""

import gzip
import sys
from pathlib import Path

import keras
import numpy
from safetensors.numpy import save_file


def read_idx(folder, name):
    """The array in an IDX file, gzipped or not."""
    path = folder / f"{name}.gz"
    data = gzip.decompress(path.read_bytes()) if path.exists() else (folder / name).read_bytes()
    dimensions = data[3]
    shape = numpy.frombuffer(data, ">u4", dimensions, offset=4)
    return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * dimensions).reshape(shape)


def load(folder, split):
    """Pictures, rows and columns of pixels in 0..=1 each, and labels."""
    pictures = read_idx(folder, f"{split}-images-idx3-ubyte")
    labels = read_idx(folder, f"{split}-labels-idx1-ubyte")
    return pictures.astype(numpy.float32) / 255, labels


def main(folder="/usr/share/datasets/fashion-mnist", weights="keras.safetensors"):
    keras.utils.set_random_seed(1)
    pictures, labels = load(Path(folder), "train")
    test_pictures, test_labels = load(Path(folder), "t10k")

    # Only dense layers, with ReLU between them. The softmax at the end changes no order of classes: import leaves it out.
    network = keras.Sequential(
        [
            keras.Input(pictures.shape[1:]),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(int(labels.max()) + 1, activation="softmax"),
        ]
    )
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    network.fit(pictures, labels, epochs=5, verbose=2)

    predictions = network.predict(test_pictures, verbose=0).argmax(1)
    right = int((predictions == test_labels).sum())
    print(f"test accuracy {right / len(test_labels):.4f} ({right} of {len(test_labels)})")

    # "sequential/dense/kernel" [784, 128], "sequential/dense/bias" [128], ".../dense_1/kernel" [128, 10], ...
    save_file({weight.path: weight.numpy() for weight in network.weights}, weights)
    print(f"weights in {weights}")


if __name__ == "__main__":
    main(*sys.argv[1:])
