import torch
from torch import nn


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense1 = nn.Linear(6, 8)
        self.dense2 = nn.Linear(8, 5)

    def forward(self, x):
        return self.dense2(torch.relu(self.dense1(x)))


def build_model():
    return MLP()


def build_loss():
    return nn.CrossEntropyLoss()


def build_optimizer(model):
    # eps as in Keras
    return torch.optim.Adam(model.parameters(), lr=0.01, eps=1e-7)
