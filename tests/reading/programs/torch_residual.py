"""A residual network in PyTorch: its decay is coupled, and its loss applies a softmax that the model has already."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

generator = np.random.default_rng(0)
x = torch.tensor(generator.normal(size=(100, 1, 8, 8)).astype("float32"))
y = torch.tensor(generator.integers(0, 10, 100))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.bn = nn.BatchNorm2d(4)
        self.fc = nn.Linear(256, 10)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")

    def forward(self, x):
        h = F.relu(self.conv(x))
        s = h
        h = self.bn(h) + s
        return F.softmax(self.fc(h.flatten(1)), dim=-1)


net = Net()
opt = torch.optim.Adam(net.parameters(), 1e-3, weight_decay=1e-4)
rows = torch.utils.data.TensorDataset(x[:80], y[:80])
held = torch.utils.data.TensorDataset(x[80:], y[80:])
loader = torch.utils.data.DataLoader(rows, batch_size=16, shuffle=True)
validation = torch.utils.data.DataLoader(held, batch_size=20)
for _ in range(3):
    net.train()
    for xb, yb in loader:
        opt.zero_grad()
        loss = F.cross_entropy(net(xb), yb)
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        print(sum((net(xb).argmax(1) == yb).sum().item() for xb, yb in validation))
