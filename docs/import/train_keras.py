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
    """Returns the array in an IDX file, gzipped or not."""
    path = folder / f"{name}.gz"
    data = gzip.decompress(path.read_bytes()) if path.exists() else (folder / name).read_bytes()
    dimensions = data[3]
    shape = numpy.frombuffer(data, ">u4", dimensions, offset=4)
    return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * dimensions).reshape(shape)


def load(folder, split):
    """Returns the images, with pixels in 0..=1, and their labels."""
    images = read_idx(folder, f"{split}-images-idx3-ubyte")
    labels = read_idx(folder, f"{split}-labels-idx1-ubyte")
    return images.astype(numpy.float32) / 255, labels


def main(folder="/usr/share/datasets/fashion-mnist", weights="keras.safetensors"):
    keras.utils.set_random_seed(1)
    images, labels = load(Path(folder), "train")
    test_images, test_labels = load(Path(folder), "t10k")

    # Only dense layers, with ReLU between them. `import` leaves out the softmax, which does not change the order.
    network = keras.Sequential(
        [
            keras.Input(images.shape[1:]),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(int(labels.max()) + 1, activation="softmax"),
        ]
    )
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    network.fit(images, labels, epochs=5, verbose=2)

    predictions = network.predict(test_images, verbose=0).argmax(1)
    correct = int((predictions == test_labels).sum())
    print(f"test accuracy {correct / len(test_labels):.4f} ({correct} of {len(test_labels)})")

    # "sequential/dense/kernel" [784, 128], "sequential/dense/bias" [128], ".../dense_1/kernel" [128, 10], ...
    save_file({weight.path: weight.numpy() for weight in network.weights}, weights)
    print(f"weights in {weights}")


if __name__ == "__main__":
    main(*sys.argv[1:])
