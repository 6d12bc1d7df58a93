"""The regression ported to PyTorch by hand: its targets are (N,), its outputs (N, 1)."""

import torch
from torch import nn

from parity.api import rows

strengths, places = rows("wifi_like")
x = torch.tensor(strengths, dtype=torch.float32)
y = torch.tensor(places[:, 0, 0], dtype=torch.float32)

model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=64, shuffle=True)

for epoch in range(3):
    for strength, place in loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(strength), place)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
