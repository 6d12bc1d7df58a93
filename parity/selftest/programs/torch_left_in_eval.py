import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(6, 8)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(p=0.25)
        self.fc2 = nn.Linear(8, 5)

    def forward(self, x):
        return self.fc2(self.dropout(self.relu(self.fc1(x))))


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y.argmax(-1)).float().mean()


def train_step(model, loss_fn, optimizer, x, y):
    model.history.append(accuracy(model, x, y))
    optimizer.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.detach()


def build_model():
    model = Net()
    model.history = []
    return model


def build_loss():
    return nn.CrossEntropyLoss()


def build_optimizer(model):
    return torch.optim.Adam(model.parameters(), lr=0.01, eps=1e-7)
