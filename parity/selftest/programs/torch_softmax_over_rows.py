import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(6, 8)
        self.out = nn.Linear(8, 5)

    def forward(self, x):
        x = torch.relu(self.hidden(x))
        return torch.softmax(self.out(x), dim=0)


def build_loss():
    return lambda p, y: -(y * torch.log(p)).sum(1).mean()


def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.05)
