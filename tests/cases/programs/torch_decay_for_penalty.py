import torch
from torch import nn


def build_model():
    return nn.Sequential(nn.Linear(200, 1))


def build_loss():
    return nn.MSELoss()


def build_optimizer(model):
    kernel, bias = model[0].weight, model[0].bias
    groups = [{"params": [kernel], "weight_decay": 0.5}, {"params": [bias]}]
    return torch.optim.SGD(groups, lr=0.003)
