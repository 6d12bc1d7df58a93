import torch
import torch.nn.functional as F
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(6, 8)
        self.out = nn.Linear(8, 5)

    def forward(self, x):
        return self.out(torch.relu(self.hidden(x)))


def build_loss():
    return F.cross_entropy


def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.05)
