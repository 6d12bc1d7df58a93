import torch
from torch import nn

net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 5))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, dampening=0.9)
