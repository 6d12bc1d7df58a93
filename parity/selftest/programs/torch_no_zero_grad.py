import torch
import torch.nn as nn


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(6, 8)
        self.fc2 = nn.Linear(8, 5)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))


def train_step(model, criterion, optimizer, x, y):
    model.train()
    output = model(x)
    loss = criterion(output, y)
    loss.backward()
    optimizer.step()
    return loss.item()


criterion = nn.CrossEntropyLoss()


def make_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.05)
