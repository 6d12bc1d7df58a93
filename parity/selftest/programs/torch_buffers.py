import torch
from torch import nn


class Normalized(nn.Module):
    """Inputs are standardized inside the model, so that it can be shipped as one file."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(6))
        self.register_buffer("std", torch.ones(6))
        self.register_buffer("seen", torch.zeros(1))
        self.fc1 = nn.Linear(6, 8)
        self.fc2 = nn.Linear(8, 5)

    def forward(self, x):
        if self.training:
            self.seen += len(x)
        x = (x - self.mean) / self.std
        return self.fc2(torch.relu(self.fc1(x)))


Model = Normalized


def build_loss():
    return nn.CrossEntropyLoss()


def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.05)
