# MLP from scratch: parameters are plain tensors, softmax and cross-entropy are written out.
import torch
from torch import nn

num_inputs, num_outputs, num_hiddens, sigma = 6, 5, 8, 0.01


def relu(X):
    a = torch.zeros_like(X)
    return torch.max(X, a)


def softmax(X):
    X_exp = torch.exp(X)
    partition = X_exp.sum(1, keepdims=True)
    return X_exp / partition


class MLPScratch(nn.Module):
    def __init__(self):
        super().__init__()
        self.W1 = nn.Parameter(torch.randn(num_inputs, num_hiddens) * sigma)
        self.b1 = nn.Parameter(torch.zeros(num_hiddens))
        self.W2 = nn.Parameter(torch.randn(num_hiddens, num_outputs) * sigma)
        self.b2 = nn.Parameter(torch.zeros(num_outputs))

    def forward(self, X):
        X = X.reshape((-1, num_inputs))
        H = relu(torch.matmul(X, self.W1) + self.b1)
        return softmax(torch.matmul(H, self.W2) + self.b2)


def cross_entropy(y_hat, y):
    return -torch.log(y_hat[list(range(len(y_hat))), y]).mean()


def trainer(net):
    return torch.optim.SGD(net.parameters(), lr=0.05)
