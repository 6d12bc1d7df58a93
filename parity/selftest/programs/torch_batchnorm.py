from collections import OrderedDict

import torch
from torch import nn


def build_model():
    return nn.Sequential(
        OrderedDict(
            [
                ("fc1", nn.Linear(6, 8)),
                ("bn1", nn.BatchNorm1d(8)),
                ("relu1", nn.ReLU(inplace=True)),
                ("fc2", nn.Linear(8, 5)),
            ]
        )
    )


def build_loss():
    return nn.CrossEntropyLoss()


def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
