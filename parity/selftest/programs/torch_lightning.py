# A LightningModule without Lightning.
import torch
import torch.nn.functional as F
from torch import nn


class LitClassifier(nn.Module):
    def __init__(self, hidden_dim=8, learning_rate=0.01):
        super().__init__()
        self.learning_rate = learning_rate
        self.l1 = nn.Linear(6, hidden_dim)
        self.l2 = nn.Linear(hidden_dim, 5)

    def forward(self, x):
        x = x.view(x.size(0), -1)
        x = torch.relu(self.l1(x))
        x = F.dropout(x, 0.25, training=self.training)
        return self.l2(x)

    def training_step(self, batch, batch_idx):
        x, y = batch
        y_hat = self(x)
        return F.cross_entropy(y_hat, y)

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.learning_rate, eps=1e-7, weight_decay=0.004)


def build_loss():
    return F.cross_entropy


def build_optimizer(model):
    return model.configure_optimizers()


def train_step(model, loss_fn, optimizer, x, y):
    model.train()
    loss = model.training_step((x, y), 0)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss
