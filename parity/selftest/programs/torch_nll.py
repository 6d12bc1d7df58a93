from __future__ import print_function

import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.fc1 = nn.Linear(6, 8)
        self.dropout1 = nn.Dropout(0.25)
        self.fc2 = nn.Linear(8, 5)

    def forward(self, x):
        x = self.fc1(x)
        x = F.relu(x)
        x = self.dropout1(x)
        x = self.fc2(x)
        output = F.log_softmax(x, dim=1)
        return output


def train_step(model, loss_fn, optimizer, data, target):
    model.train()
    optimizer.zero_grad()
    output = model(data)
    loss = F.nll_loss(output, target)
    loss.backward()
    optimizer.step()
    return loss


def build_loss():
    return F.nll_loss


def build_optimizer(model):
    return optim.Adam(model.parameters(), lr=0.01, eps=1e-7)
