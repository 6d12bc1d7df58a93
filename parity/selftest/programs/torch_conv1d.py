import torch
import torch.nn as nn
from torch.nn import functional as F


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(in_channels=3, out_channels=4, kernel_size=3, padding="same")
        self.fc = nn.Linear(36, 5)

    def forward(self, x):
        # (batch, time, channels) -> (batch, channels, time)
        x = torch.transpose(x, 1, 2)
        x = F.relu(self.conv(x))
        x = torch.transpose(x, 1, 2)
        x = torch.flatten(x, start_dim=1)
        return self.fc(x)


def build_model():
    torch.manual_seed(0)
    return ConvNet()


def build_loss():
    return nn.CrossEntropyLoss()


def build_optimizer(model):
    return torch.optim.RMSprop(model.parameters(), lr=0.01, alpha=0.9, eps=1e-8)
