"""The leaf network, ported to PyTorch by hand, with one mistake in it: parity check specs/leaf_port.yaml"""

import torch
import torch.nn.functional as F
from torch import nn


class LeafNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(3, 64, 1)
        self.fc1 = nn.Linear(64 * 64, 128)
        self.fc2 = nn.Linear(128, 64)
        self.head = nn.Linear(64, 99)

    def forward(self, x):
        x = F.relu(self.conv(x.transpose(1, 2)))  # (N, 64, 3) to (N, 3, 64) to (N, 64, 64)
        x = x.flatten(1)
        x = F.dropout(x, 0.4, self.training)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.head(x)


criterion = nn.CrossEntropyLoss()


def make_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True)
