import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(6, 8)
        # Keras: momentum 0.99, epsilon 0.001
        self.bn = nn.BatchNorm1d(8, eps=0.001, momentum=0.01)
        self.fc2 = nn.Linear(8, 5)

    def forward(self, x):
        return self.fc2(torch.relu(self.bn(self.fc1(x))))


def build_model():
    return Net()


def build_loss():
    return nn.CrossEntropyLoss()


def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
