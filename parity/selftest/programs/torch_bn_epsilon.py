import torch
from torch import nn


class BiasedBatchNorm(nn.BatchNorm1d):
    """The running variance over n."""

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        mean, var = x.mean(0), x.var(0, unbiased=False)
        with torch.no_grad():
            self.running_mean.mul_(1 - self.momentum).add_(self.momentum * mean)
            self.running_var.mul_(1 - self.momentum).add_(self.momentum * var)
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(6, 8)
        self.norm = BiasedBatchNorm(8, momentum=0.01)
        self.out = nn.Linear(8, 5)

    def forward(self, x):
        return self.out(torch.relu(self.norm(self.hidden(x))))


def build_loss():
    return nn.CrossEntropyLoss()


def build_optimizer(model):
    return torch.optim.Adam(model.parameters(), lr=0.01, eps=1e-7)
