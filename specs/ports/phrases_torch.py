"""The text classifier ported to PyTorch by hand: it reads the last step of every row, padding or not."""

import torch
from torch import nn

from parity.api import rows

tokens, positive = (torch.tensor(one) for one in rows("phrases"))


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(24, 16)
        self.lstm = nn.LSTM(16, 32, batch_first=True)
        self.head = nn.Linear(32, 1)

    def forward(self, x):
        steps, _ = self.lstm(self.embedding(x))
        return self.head(steps[:, -1])


model = Classifier()
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
data = torch.utils.data.TensorDataset(tokens, positive.float()[:, None])

for epoch in range(3):
    for x, y in torch.utils.data.DataLoader(data, batch_size=32, shuffle=True):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
