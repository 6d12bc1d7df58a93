import torch
import torch.nn as nn


class BinaryClassification(nn.Module):
    def __init__(self):
        super(BinaryClassification, self).__init__()
        self.layer_1 = nn.Linear(6, 8)
        self.layer_out = nn.Linear(8, 1)
        self.relu = nn.ReLU()

    def forward(self, inputs):
        x = self.relu(self.layer_1(inputs))
        x = self.layer_out(x)
        return x


criterion = nn.BCEWithLogitsLoss()


def get_optimizer(model):
    return torch.optim.Adam(model.parameters(), lr=0.01, eps=1e-7)


def train_step(model, criterion, optimizer, X_batch, y_batch):
    optimizer.zero_grad()
    y_pred = model(X_batch)
    loss = criterion(y_pred, y_batch.reshape(-1, 1))
    loss.backward()
    optimizer.step()
    return loss.item()
