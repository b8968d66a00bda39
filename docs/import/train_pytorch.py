"""Trains a network of dense layers with PyTorch and saves its state for `host-trainer import`.

    pip install numpy torch
    python train_pytorch.py [FOLDER OF THE DATA SET [STATE.pt]]
"""

import gzip
import sys
from pathlib import Path

import numpy
import torch
from torch import nn


def read_idx(folder, name):
    """Returns the array in an IDX file, gzipped or not."""
    path = folder / f"{name}.gz"
    data = gzip.decompress(path.read_bytes()) if path.exists() else (folder / name).read_bytes()
    dimensions = data[3]
    shape = numpy.frombuffer(data, ">u4", dimensions, offset=4)
    return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * dimensions).reshape(shape)


def load(folder, split):
    """Returns the images, one row of pixels in 0..=1 each, and their labels."""
    images = read_idx(folder, f"{split}-images-idx3-ubyte")
    labels = read_idx(folder, f"{split}-labels-idx1-ubyte")
    pixels = images.reshape(len(images), -1).astype(numpy.float32) / 255
    return torch.from_numpy(pixels), torch.from_numpy(labels.astype(numpy.int64))


def main(folder="/usr/share/datasets/fashion-mnist", state="pytorch.pt"):
    torch.manual_seed(1)
    images, labels = load(Path(folder), "train")
    test_images, test_labels = load(Path(folder), "t10k")

    # Only dense layers, with ReLU between them; the last one gives logits, so there is no softmax.
    network = nn.Sequential(
        nn.Linear(images.shape[1], 128),
        nn.ReLU(),
        nn.Linear(128, int(labels.max()) + 1),
    )
    optimizer = torch.optim.Adam(network.parameters())
    for epoch in range(1, 6):
        total = 0.0
        for batch in torch.randperm(len(labels)).split(32):
            loss = nn.functional.cross_entropy(network(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        print(f"epoch {epoch}: loss {total / len(labels):.4f}")

    with torch.no_grad():
        logits = network(test_images)
    correct = (logits.argmax(1) == test_labels).sum().item()
    print(f"test accuracy {correct / len(test_labels):.4f} ({correct} of {len(test_labels)})")

    # "0.weight" [128, 784], "0.bias" [128], "2.weight" [10, 128], "2.bias" [10]
    torch.save(network.state_dict(), state)
    numpy.savez("check.npz", inputs=test_images[:100].numpy(), outputs=logits[:100].numpy())
    print(f"state in {state}, outputs for the first test images in check.npz")


if __name__ == "__main__":
    main(*sys.argv[1:])
