"""The same variational autoencoder, ported to PyTorch by hand: what could have gone wrong?"""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

x = torch.tensor(load_digits().data / 16.0, dtype=torch.float32)


class VAE(nn.Module):
    def __init__(self, latent=4):
        super().__init__()
        self.fc1 = nn.Linear(64, 32)
        self.fc21 = nn.Linear(32, latent)
        self.fc22 = nn.Linear(32, latent)
        self.fc3 = nn.Linear(latent, 32)
        self.fc4 = nn.Linear(32, 64)

    def encode(self, x):
        h = F.relu(self.fc1(x))
        return self.fc21(h), self.fc22(h)

    def reparameterize(self, mean, log_var):
        std = torch.exp(0.5 * log_var)
        return mean + torch.randn_like(std) * std

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x):
        mean, log_var = self.encode(x)
        return self.decode(self.reparameterize(mean, log_var)), mean, log_var


def loss_function(pixels, x, mean, log_var):
    reconstruction = F.binary_cross_entropy(pixels, x, reduction="sum")
    divergence = -0.5 * torch.sum(1 + log_var - mean.pow(2) - log_var.exp())
    return reconstruction + divergence


model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
loader = torch.utils.data.DataLoader(x, batch_size=64, shuffle=True)

for epoch in range(3):
    for batch in loader:
        optimizer.zero_grad()
        pixels, mean, log_var = model(batch)
        loss = loss_function(pixels, batch, mean, log_var)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item() / len(batch))
