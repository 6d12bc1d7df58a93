import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.left = nn.Linear(64, 16)
        self.right = nn.Linear(64, 16)
        self.output = nn.Linear(16, 10)

    def forward(self, x):
        right = torch.tanh(self.right(x)).detach()
        return self.output(torch.relu(self.left(x)) + right)


def build_model():
    return Net()


def build_loss():
    return nn.CrossEntropyLoss()


def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.1)
