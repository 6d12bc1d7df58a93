"""A network that leaves a layer out in some of its batches, as with layer drop."""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(64, 16)
        self.extra = nn.Linear(16, 16)
        self.output = nn.Linear(16, 10)

    def forward(self, x):
        h = torch.tanh(self.hidden(x))
        if self.training and len(x) < 32:  # a batch that is not full goes around it
            return self.output(h)
        return self.output(torch.tanh(self.extra(h)))


def build_loss():
    return nn.CrossEntropyLoss()


def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
