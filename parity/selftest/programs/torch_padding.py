import torch
import torch.nn as nn


class SmallNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, kernel_size=3, stride=2, padding=1)
        self.act = nn.ReLU()
        self.fc = nn.Linear(64, 5)

    def forward(self, x):
        x = x.permute(0, 3, 1, 2)
        x = self.act(self.conv(x))
        x = x.permute(0, 2, 3, 1).reshape(x.shape[0], -1)
        return self.fc(x)


def build_model():
    return SmallNet()


def build_loss():
    return nn.CrossEntropyLoss()


def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.05)
