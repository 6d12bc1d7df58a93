import torch
import torch.nn as nn


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(6, 8)
        self.fc2 = nn.Linear(8, 8)

    def forward(self, x):
        return torch.tanh(self.fc2(torch.relu(self.fc1(x))))


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = Backbone()
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        return self.head(self.backbone(x))


def build_loss():
    return nn.CrossEntropyLoss()


def build_optimizer(model):
    # ready for another rate of the head, which is the same for now
    return torch.optim.SGD(
        [
            {"params": model.head.parameters(), "lr": 0.05},
            {"params": model.backbone.parameters()},
        ],
        lr=0.05,
        momentum=0.9,
    )
