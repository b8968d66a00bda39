"""The lecture's network in Keras, batch 32, on the CPU: prints the seconds of each epoch.

python3 keras.py FOLDER_OF_IDX_FILES [EPOCHS]
"""

import gzip
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

sys.path.pop(0)  # this file has the package's name
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402


def read(folder, name, skip):
    """Returns the bytes of an IDX file after its header."""
    path = Path(folder, name)
    with open(path, "rb") if path.exists() else gzip.open(f"{path}.gz") as file:
        return np.frombuffer(file.read(), np.uint8, offset=skip)


class Clock(keras.callbacks.Callback):
    """Records the duration of each epoch."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.start)


def main():
    folder, epochs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
    images = read(folder, "train-images-idx3-ubyte", 16).reshape(-1, 28, 28) / 255.0
    labels = read(folder, "train-labels-idx1-ubyte", 8)
    network = keras.Sequential([
        keras.Input((28, 28)),
        keras.layers.Flatten(),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ])
    network.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    clock = Clock()
    network.fit(images, labels, epochs=epochs, verbose=0, callbacks=[clock])
    print(json.dumps({"version": keras.__version__, "threads": None, "seconds": clock.seconds}))


main()
