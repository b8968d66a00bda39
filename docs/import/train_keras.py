"""Trains a network of dense layers with Keras 3 and saves it for `host-trainer import`.

    pip install numpy keras tensorflow-cpu
    python train_keras.py [FOLDER OF THE DATA SET [NETWORK.keras]]
"""

import gzip
import sys
from pathlib import Path

import keras
import numpy


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


def main(folder="/usr/share/datasets/fashion-mnist", file="network.keras"):
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

    probabilities = network.predict(test_images, verbose=0)
    correct = int((probabilities.argmax(1) == test_labels).sum())
    print(f"test accuracy {correct / len(test_labels):.4f} ({correct} of {len(test_labels)})")

    network.save(file)
    numpy.savez("check.npz", inputs=test_images[:100], outputs=probabilities[:100])
    print(f"network in {file}, outputs for the first test images in check.npz")


if __name__ == "__main__":
    main(*sys.argv[1:])
