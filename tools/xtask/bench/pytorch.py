"""The lecture's network in PyTorch, batch 32, on the CPU: prints the seconds of each epoch.

python3 pytorch.py FOLDER_OF_IDX_FILES [EPOCHS]
"""

import gzip
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch


def read(folder, name, skip):
    """Returns the bytes of an IDX file after its header."""
    path = Path(folder, name)
    with open(path, "rb") if path.exists() else gzip.open(f"{path}.gz") as file:
        return np.frombuffer(file.read(), np.uint8, offset=skip)


def main():
    folder, epochs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
    images = read(folder, "train-images-idx3-ubyte", 16).reshape(-1, 784)
    images = torch.from_numpy(images.astype(np.float32) / 255)
    labels = torch.from_numpy(read(folder, "train-labels-idx1-ubyte", 8).astype(np.int64))
    torch.manual_seed(1)
    network = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, eps=1e-7)
    cross_entropy = torch.nn.CrossEntropyLoss()
    seconds = []
    for _ in range(epochs):
        start = time.perf_counter()
        for indices in torch.randperm(len(labels)).split(32):
            optimizer.zero_grad()
            cross_entropy(network(images[indices]), labels[indices]).backward()
            optimizer.step()
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"version": torch.__version__, "threads": torch.get_num_threads(), "seconds": seconds}))


main()
