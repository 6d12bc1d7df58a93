import torch
from torch import nn


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1 = nn.Linear(5, 8)
        self.l2 = nn.Linear(8, 1)

    def forward(self, x):
        return self.l2(torch.tanh(self.l1(x))).flatten()


def build_model():
    return Regressor()


def build_loss():
    mse = nn.MSELoss()
    return lambda pred, y: mse(pred, y.flatten())


def build_optimizer(model):
    return torch.optim.Adam(model.parameters(), lr=0.01, eps=1e-7)
