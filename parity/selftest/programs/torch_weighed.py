import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(6, 8)
        self.out = nn.Linear(8, 5)

    def forward(self, x):
        return self.out(torch.relu(self.hidden(x)))


def build_loss():
    return nn.CrossEntropyLoss(reduction="none")


def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)


def train_step(model, criterion, optimizer, x, y, sample_weights):
    model.train()
    optimizer.zero_grad()
    losses = criterion(model(x), y)
    loss = torch.mean(losses * sample_weights)
    loss.backward()
    optimizer.step()
    return loss.item()
