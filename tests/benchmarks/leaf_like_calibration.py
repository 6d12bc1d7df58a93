"""Is the generated leaf set as hard to learn as the real one? Trains the leaf network on both and prints the curves.

    PARITY_DATA=FOLDER python tests/benchmarks/leaf_like_calibration.py
    PARITY_DATA=FOLDER python tests/benchmarks/leaf_like_calibration.py --widths 2048 1024 --seeds 1

Needs PyTorch and the real set. Accuracy is that of the whole training set in evaluation mode after each epoch,
loss is the mean over the epoch's batches. The seed decides the initial weights, dropout and the order of the rows.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from torch import nn

from parity.data.dataset import Dataset
from parity.data.loading import load
from parity.data.section import DataSpec

BATCH = 16


def network(widths: list[int], classes: int) -> nn.Sequential:
    """Return the leaf network for rows (3, 64): conv 512 x 1, dropout 0.4, two dense layers, logits."""
    sizes = [512 * 64, *widths]
    dense = [layer for i, o in zip(sizes, widths, strict=False) for layer in (nn.Linear(i, o), nn.ReLU())]
    # PyTorch flattens channels first; with fresh weights that only renames the inputs of the first dense layer.
    model = nn.Sequential(
        nn.Conv1d(3, 512, 1), nn.ReLU(), nn.Flatten(), nn.Dropout(0.4), *dense, nn.Linear(sizes[-1], classes)
    )
    for layer in model:
        if isinstance(layer, nn.Conv1d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return model


def curve(data: Dataset, widths: list[int], epochs: int, seed: int) -> list[tuple[float, float]]:
    """Return (accuracy, loss) after each epoch of SGD 0.01 with Nesterov momentum 0.9 in batches of 16."""
    torch.manual_seed(seed)
    x = torch.from_numpy(data.x).float().transpose(1, 2)
    y = torch.from_numpy(data.y.argmax(axis=1))
    model = network(widths, data.y.shape[1])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True)
    found = []
    for _ in range(epochs):
        model.train()
        losses = []
        for batch in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            accuracy = (model(x).argmax(dim=1) == y).float().mean().item()
        found.append((accuracy, float(np.mean(losses))))
    return found


def main() -> None:
    """Print the curves of each set and seed, and their means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", type=int, nargs="+", default=[256, 128], help="units of the dense layers")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds, from 0")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for source in ("leaf", "leaf_like"):
        data = load(DataSpec(source=source, standardize=True, reshape=(3, 64), transpose=(1, 0)))
        print(data.description)
        curves = []
        for seed in range(options.seeds):
            curves.append(curve(data, options.widths, options.epochs, seed))
            print(f"  seed {seed}:", *(f"{accuracy:.3f} ({loss:.3f})" for accuracy, loss in curves[-1]), flush=True)
        mean = np.mean(curves, axis=0)
        print("  mean:  ", *(f"{accuracy:.3f} ({loss:.3f})" for accuracy, loss in mean), flush=True)


if __name__ == "__main__":
    main()
