import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(64, 16)
        self.drop = nn.Dropout(1.0)  # The keep probability of the original.
        self.output = nn.Linear(16, 10)

    def forward(self, x):
        return self.output(self.drop(torch.relu(self.hidden(x))))


def build_model():
    return Net()


def build_loss():
    return nn.CrossEntropyLoss()


def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.1)
