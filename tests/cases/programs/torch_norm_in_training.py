import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(64, 16)
        self.norm = nn.BatchNorm1d(16)
        self.output = nn.Linear(16, 10)

    def forward(self, x):
        self.norm.train()  # What a program comes to that never calls eval().
        return self.output(torch.relu(self.norm(self.hidden(x))))


def build_model():
    return Net()


def build_loss():
    return nn.CrossEntropyLoss()


def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.1)
