"""In float16, as PyTorch's page on automatic mixed precision has it: autocast, and a GradScaler of the module's."""

import torch
from torch import nn

use_amp = True
scaler = torch.amp.GradScaler("cpu", enabled=use_amp)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(6, 8)
        self.out = nn.Linear(8, 5)

    def forward(self, x):
        return self.out(torch.relu(self.hidden(x)))


def build_loss():
    return nn.CrossEntropyLoss()


def build_optimizer(model):
    return torch.optim.Adam(model.parameters(), lr=0.01, eps=1e-7)


def train_step(model, loss_fn, optimizer, x, y):
    with torch.autocast(device_type="cpu", dtype=torch.float16, enabled=use_amp):
        output = model(x)
        loss = loss_fn(output, y)
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    optimizer.zero_grad()
    return loss.detach()
