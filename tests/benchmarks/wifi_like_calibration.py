"""Is the generated Wi-Fi set as hard to learn as the real one? Prints the figures of both, and trains the network.

    PARITY_DATA=FOLDER python tests/benchmarks/wifi_like_calibration.py
    PARITY_DATA=FOLDER python tests/benchmarks/wifi_like_calibration.py --epochs 0      # without training

Needs the real set and, to train, PyTorch. Rows are split as in specs/regression.yaml: errors are those of the last
fifth.
"""

from __future__ import annotations

import argparse
from itertools import pairwise

import numpy as np

from parity.data.dataset import Dataset
from parity.data.loading import load
from parity.data.section import DataSpec

BATCH, RATE = 7, 1e-4


def figures(data: Dataset) -> None:
    """Print how the rows look and how much of the places simple means find in them."""
    assert data.x_val is not None
    assert data.y_val is not None
    x, y = data.x[..., 0], data.y[..., 0]
    held, wanted = data.x_val[..., 0], data.y_val[..., 0]
    heard = x > 0
    decibels = x[heard] * 110 - 110
    shares = np.sort(heard.mean(axis=0))[::-1]
    print(f"  exactly 0 or 1: {np.isin(y, (0.0, 1.0)).mean():.4f} of the target values")
    print("  target mean and deviation:", y.mean(axis=0).round(3), y.std(axis=0).round(3))
    print("  heard in a row, quantiles:", np.percentile(heard.sum(axis=1), [0, 5, 25, 50, 75, 95, 100]))
    print("  share of rows that hear an access point, 1st to 64th:", shares[[0, 7, 15, 31, 47, 63]].round(2))
    print("  decibels, quantiles:", np.percentile(decibels, [0, 5, 25, 50, 75, 95, 100]).round())
    together = np.corrcoef(x.T)
    neighbours = np.mean([together[one, one + 1] for one in range(x.shape[1] - 1)])
    print(f"  correlation of access points: {np.tril(together, -1).sum() / (64 * 63 / 2):.2f}, next to each other "
          f"{neighbours:.2f}")  # fmt: skip
    fit, *_ = np.linalg.lstsq(np.c_[x, np.ones(len(x))], y, rcond=None)
    linear = ((np.c_[held, np.ones(len(held))] @ fit - wanted) ** 2).mean(axis=0)
    distance = (held**2).sum(axis=1)[:, None] + (x**2).sum(axis=1) - 2 * held @ x.T
    near = ((y[np.argsort(distance, axis=1)[:, :5]].mean(axis=1) - wanted) ** 2).mean(axis=0)
    print("  squared error of the mean:", ((y.mean(axis=0) - wanted) ** 2).mean(axis=0).round(4), "of a linear fit:",
          linear.round(4), "of five neighbours:", near.round(4))  # fmt: skip


def train(data: Dataset, epochs: int, seed: int) -> list[tuple[float, float, float]]:
    """Return (running loss, squared error of the rows kept, binary accuracy) after each epoch of the posted network."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    sizes = [1, 64, 64, 128, 128, 256, 256]
    layers: list[nn.Module] = []
    for number, (i, o) in enumerate(pairwise(sizes)):
        layers += [nn.Conv1d(i, o, 2), nn.ReLU(), *([nn.MaxPool1d(2)] if number % 2 else [])]
    dense = [256, 256, 64, 32]
    head = [layer for i, o in pairwise(dense) for layer in (nn.Linear(i, o), nn.ReLU())]
    body, head = nn.Sequential(*layers, nn.MaxPool1d(2)), nn.Sequential(*head, nn.Linear(32, 1), nn.Sigmoid())
    for layer in (*body, *head):
        if isinstance(layer, nn.Conv1d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    optimizer = torch.optim.NAdam([*body.parameters(), *head.parameters()], RATE, eps=1e-7, momentum_decay=1.0)
    x, y = (torch.from_numpy(one).float() for one in (data.x.transpose(0, 2, 1).copy(), data.y))
    held, wanted = (torch.from_numpy(one).float() for one in (data.x_val.transpose(0, 2, 1).copy(), data.y_val))
    found = []
    for _ in range(epochs):
        total = 0.0
        for batch in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(head(body(x[batch]).transpose(1, 2)), y[batch])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        with torch.no_grad():
            out, kept = (head(body(one).transpose(1, 2)) for one in (x, held))
        right = ((out > 0.5).float() == y).float().mean().item()
        found.append((total / len(x), nn.functional.mse_loss(kept, wanted).item(), right))
    return found


def main() -> None:
    """Print the figures and the curves of both sets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, from 0")
    options = parser.parse_args()
    for source in ("wifi_location", "wifi_like"):
        data = load(DataSpec(source=source, reshape=(64, 1), validation_split=0.2))
        print(data.description)
        figures(data)
        for seed in range(options.seeds if options.epochs else 0):
            told = (f"{loss:.4f} ({kept:.4f}, {right:.3f})" for loss, kept, right in train(data, options.epochs, seed))
            print(f"  seed {seed}, running loss (error of rows kept, binary accuracy):", *told, flush=True)


if __name__ == "__main__":
    main()
