import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(64, 16)
        self.output = nn.Linear(16, 10)

    def forward(self, x):
        return self.output(torch.relu(self.hidden(x)))


def build_model():
    return Net()


def build_loss():
    return nn.CrossEntropyLoss()


def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.1)


def train_step(model, loss_fn, optimizer, x, y):
    """Take a step; the schedule goes first, so that its first value is never used."""
    if not hasattr(model, "schedule"):
        model.schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.8)
    optimizer.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    model.schedule.step()
    optimizer.step()
    return loss.detach()
