"""Faults planted in PyTorch programs."""

from __future__ import annotations

from functools import partial

from parity.selftest.planting import PlantedFault

torch = partial(PlantedFault, framework="torch")
mlp = partial(torch, network="mlp", optimizer="adam_after")
cnn = partial(torch, network="cnn2d", optimizer="momentum")
residual = partial(torch, network="residual", optimizer="sgd")
towers = partial(torch, network="towers", optimizer="sgd")
signals = partial(torch, network="signals", optimizer="sgd")
images = partial(torch, network="images", optimizer="sgd")
weighed = partial(torch, network="weighed", optimizer="sgd")
heads = partial(torch, network="heads", optimizer="sgd")
bounded = partial(torch, network="bounded", optimizer="sgd")
decoder = partial(torch, network="decoder", optimizer="sgd")

STEP = "    optimizer.step()\n"
FORWARD = "x = self.square_tanh(self.square(x))"

HELD_CONSTANT = """\
        self.norm(x)
        variance, mean = torch.var_mean(x, (0, 2, 3), correction=0, keepdim=True)
        x = (x - mean.detach()) / (variance.detach() + 0.001).sqrt()
        x = x * self.norm.weight.view(1, -1, 1, 1) + self.norm.bias.view(1, -1, 1, 1)
"""

FAULTS = [
    # forward
    mlp(name="transposed kernel of a square layer", phase="forward", tensor="square",
        edits={FORWARD: "x = self.square_tanh(F.linear(x, self.square.weight.T, self.square.bias))"}),
    mlp(name="dropout drops what it should keep", phase="forward", tensor="dropout",
        edits={"nn.Dropout(0.25)": "nn.Dropout(0.75)"}),
    mlp(name="dropout left out", phase="forward", tensor="dropout", edits={"nn.Dropout(0.25)": "nn.Identity()"}),
    mlp(name="dropout scaled twice", phase="forward", tensor="square",
        edits={"x = self.dropout(x)": "x = self.dropout(x) / 0.75"}),
    mlp(name="another activation", phase="forward", tensor="hidden", edits={"nn.ReLU()": "nn.ReLU6()"},
        optimizer="sgd", replaces={"hidden": {"kernel_initializer": {"truncated_normal": {"stddev": 8.0}}}}),
    mlp(name="inputs scaled in the training step only", phase="forward", tensor="hidden",
        edits={"loss = loss_fn(model(x), y)": "loss = loss_fn(model(x / 2), y)"}),
    mlp(name="training in evaluation mode", phase="forward", tensor="dropout",
        edits={"    model.train()\n": "    model.eval()\n"}),
    cnn(name="same padding on the other side", phase="forward", tensor="conv",
        edits={"F.pad(x, (0, 1, 1, 1))": "F.pad(x, (1, 0, 1, 1))"}),
    cnn(name="flattened channels first", phase="forward", tensor="flatten",
        edits={"        x = x.permute(0, 2, 3, 1)  #": "        pass  #"}),
    cnn(name="batch norm with PyTorch's epsilon", phase="forward", tensor="norm", edits={"eps=0.001": "eps=1e-05"}),
    cnn(name="average instead of maximum", phase="forward", tensor="pool",
        edits={"nn.MaxPool2d(2)": "nn.AvgPool2d(2)"}),
    cnn(name="gelu by tanh instead of exact", phase="forward", tensor="second",
        edits={"nn.GELU()": 'nn.GELU(approximate="tanh")'}),
    torch(name="leaky relu with PyTorch's slope", network="cnn1d", optimizer="adam", phase="forward", tensor="conv",
          edits={"nn.LeakyReLU(0.2)": "nn.LeakyReLU()"}),
    residual(name="a branch read from the wrong place", phase="forward", tensor="add",
             edits={"x = x + relu": "x = x + x"}),
    residual(name="a shortcut from before the activation", phase="forward", tensor="add",
             edits={"x = self.norm(x)": "x = early = self.norm(x)", "x = x + relu": "x = x + early"}),
    residual(name="two branches put together the wrong way round", phase="forward", tensor="both",
             edits={"self.both(left, x)": "self.both(x, left)"}),
    towers(name="a tower with weights of its own", phase="forward", tensor="other",
           edits={"        self.tower_tanh = nn.Tanh()\n":
                  "        self.tower_tanh = nn.Tanh()\n        self.twin = nn.Linear(5, 4)\n",
                  "self.tower(right)": "self.twin(right)"}),
    towers(name="the other order of a difference", phase="forward", tensor="apart",
           edits={"self.apart(tower, other)": "self.apart(other, tower)"}),
    signals(name="layer norm with PyTorch's epsilon", phase="forward", tensor="norm",
            edits={"nn.LayerNorm(8, eps=0.001)": "nn.LayerNorm(8)"}),
    signals(name="cells of the padding counted in a mean", phase="forward", tensor="mean",
            edits={", count_include_pad=False": ""}),
    signals(name="single values dropped in place of channels", phase="forward", tensor="dropped",
            edits={"nn.Dropout1d(0.3)": "nn.Dropout(0.3)"}),
    images(name="group norm over other groups", phase="forward", tensor="norm",
           edits={"nn.GroupNorm(2, 4": "nn.GroupNorm(1, 4"}),
    images(name="depthwise kernel in the wrong order", phase="forward", tensor="depthwise",
           edits={"self.weight.flatten(0, 1)": "self.weight.transpose(0, 1).flatten(0, 1)"}),
    decoder(name="transposed convolution cut off on the other side", phase="forward", tensor="moved",
            edits={"nn.ZeroPad1d((0, -1))": "nn.ZeroPad1d((-1, 0))"}),
    decoder(name="enlarged with the corners aligned", phase="forward", tensor="larger",
            edits={'mode="bilinear"': 'mode="bilinear", align_corners=True'}),
    torch(name="rows of an embedding shifted by one", network="tokens", optimizer="adagrad", phase="forward",
          tensor="table", edits={"x = self.table(x)": "x = self.table((x + 1) % 10)"}),
    torch(name="a mask ignored", network="padded", optimizer="sgd", phase="forward", tensor="read",
          edits={"x = self.read(x, words_mask)": "x = self.read(x, torch.ones_like(words_mask))"}),
    torch(name="masked steps read backwards, their mask not", network="padded", optimizer="sgd", phase="forward",
          tensor="ways", edits={"self.back(x.flip(1), mask.flip(1))": "self.back(x.flip(1), mask)"}),
    torch(name="weights that are not tied", network="tied", optimizer="adam_after", phase="forward", tensor="head",
          edits={"        self.head.weight = self.table.weight  # one tensor\n": ""}),
    # loss
    mlp(name="loss summed instead of averaged", phase="loss", tensor="loss",
        edits={"nn.CrossEntropyLoss()": 'nn.CrossEntropyLoss(reduction="sum")'}),
    mlp(name="softmax before a loss from logits", phase="loss", tensor="loss",
        edits={"loss = loss_fn(model(x), y)": "loss = loss_fn(model(x).softmax(-1), y)"}),
    mlp(name="labels smoothed", phase="loss", tensor="loss",
        edits={"nn.CrossEntropyLoss()": "nn.CrossEntropyLoss(label_smoothing=1e-6)"}),
    torch(name="(N,) against (N, 1)", network="regression", optimizer="adam", phase="loss", tensor="loss",
          edits={"loss = loss_fn(model(x), y)": "loss = loss_fn(model(x).squeeze(-1), y)"}),
    torch(name="half the squared error", network="regression", optimizer="sgd", phase="loss", tensor="loss",
          edits={"loss = loss_fn(model(x), y)": "loss = loss_fn(model(x), y) / 2"}),
    signals(name="label smoothing left out", phase="loss", tensor="loss", edits={"label_smoothing=0.1": ""}),
    torch(name="huber loss with PyTorch's delta", network="bounded", optimizer="sgd", phase="loss", tensor="loss",
          edits={"nn.HuberLoss(delta=0.8)": "nn.HuberLoss()"}),
    weighed(name="sample weights forgotten", phase="loss", tensor="loss",
            edits={"(sample_weights * rows(outputs, targets)).mean()": "rows(outputs, targets).mean()"}),
    weighed(name="sample weights divided by their sum", phase="loss", tensor="loss",
            edits={"(sample_weights * rows(outputs, targets)).mean()":
                   "(sample_weights * rows(outputs, targets)).sum() / sample_weights.sum()"}),
    bounded(name="penalty of an output forgotten", phase="loss", tensor="loss",
            edits={" + 0.05 * model.second_output.square().sum() / len(model.second_output)": ""}),
    bounded(name="penalty of an output not divided by its rows", phase="loss", tensor="loss",
            edits={" / len(model.second_output)": ""}),
    heads(name="the wrong one of two outputs", phase="loss", tensor="loss",
          edits={'{"label": label, "value": x}': '{"label": x, "value": label}'}),
    heads(name="weight of one of two losses left out", phase="loss", tensor="loss",
          edits={"0.25 * loss_of_value(": "loss_of_value("}),
    # gradient
    heads(name="one of two outputs not trained through", phase="gradient", tensor="label.kernel",
          edits={'{"label": label, "value": x}': '{"label": label.detach(), "value": x}'}),
    mlp(name="loss scaled on its way back", phase="gradient", tensor="out.logits",
        edits={"    loss.backward()\n": "    (loss * 0.5).backward()\n"}),
    mlp(name="gradient cut off", phase="gradient", tensor="hidden.kernel",
        edits={"x = self.dropout(x)": "x = self.dropout(x.detach())"}),
    mlp(name="bias forgotten, while it is zero", phase="gradient", tensor="square.bias",
        edits={FORWARD: "x = self.square_tanh(F.linear(x, self.square.weight))"}),
    mlp(name="gradient not set to zero", step=2, phase="gradient", tensor="out.kernel",
        edits={"    optimizer.zero_grad()\n": ""}),
    mlp(name="gradients clipped", phase="gradient", tensor="out.kernel",
        edits={STEP: "    nn.utils.clip_grad_norm_(model.parameters(), 0.01)\n" + STEP}),
    mlp(name="a frozen layer", phase="gradient", tensor="square.kernel",
        edits={"    model.train()\n": "    model.train()\n    model.square.weight.requires_grad_(False)\n"}),
    cnn(name="batch statistics held constant in the backward pass", phase="gradient", tensor="conv",
        edits={"        x = self.norm(x)\n": HELD_CONSTANT}),
    images(name="one slope for all channels", phase="gradient", tensor="bend.alpha",
           edits={"return torch.where(x > 0, x, self.weight * x)":
                  "return torch.where(x > 0, x, self.weight.mean() * x)"}),
    # update
    mlp(name="Adam epsilon 1e-8 for 1e-7", phase="update", tensor="hidden.kernel", edits={"eps=1e-07": "eps=1e-08"}),
    mlp(name="epsilon after the bias correction, not before", optimizer="adam", phase="update", tensor="hidden.kernel",
        edits={"return Adam(": "return torch.optim.Adam("}),
    mlp(name="betas swapped", phase="state", tensor="m/hidden.kernel",
        edits={"betas=(0.9, 0.999)": "betas=(0.999, 0.9)"}),
    mlp(name="AMSGrad switched on", step=2, phase="update", tensor="hidden.kernel",
        edits={"eps=1e-07)": "eps=1e-07, amsgrad=True)"}),
    mlp(name="weight decay through the gradient", optimizer="sgd", phase="update", tensor="hidden.kernel",
        edits={"lr=0.05)": "lr=0.05, weight_decay=1e-05)"}),
    mlp(name="decoupled weight decay forgotten", optimizer="adamw_after", phase="update", tensor="hidden.kernel",
        edits={"weight_decay=0.004": "weight_decay=0.0"}),
    mlp(name="decay of biases, too", optimizer="grouped", step=2, phase="update", tensor="hidden.bias",
        edits={'decays = {"*.bias": 0.0}': "decays = {}"}),
    mlp(name="the backbone's rate for the head", optimizer="grouped", phase="update", tensor="out.kernel",
        edits={'factors = {"out.*": 0.1}': "factors = {}"}),
    mlp(name="momentum dampened", optimizer="momentum", step=2, phase="update", tensor="hidden.kernel",
        edits={"momentum=0.9)": "momentum=0.9, dampening=0.1)"}),
    mlp(name="Nesterov forgotten", optimizer="nesterov", phase="update", tensor="hidden.kernel",
        edits={", nesterov=True": ""}),
    mlp(name="learning rate outside the velocity", optimizer="decayed", phase="state", tensor="velocity/hidden.kernel",
        edits={"v.mul_(momentum).sub_(lr * p.grad)": "v.mul_(momentum).sub_(p.grad)",
               "p.add_(v)": "p.add_(v, alpha=lr)"}),
    mlp(name="one parameter left out of the optimizer", optimizer="sgd", phase="update", tensor="out.bias",
        edits={"torch.optim.SGD(model.parameters()": "torch.optim.SGD(list(model.parameters())[:-1]"}),
    mlp(name="two updates a step", optimizer="sgd", phase="update", tensor="hidden.kernel", edits={STEP: STEP + STEP}),
    mlp(name="schedule one step ahead", optimizer="cosine", phase="update", tensor="hidden.kernel",
        edits={"learning_rate(self.iterations)": "learning_rate(self.iterations + 1)"}),
    mlp(name="schedule never stepped", optimizer="cosine", phase="state", tensor="iterations",
        edits={"        self.iterations += 1\n": "        self.iterations = 0\n"}),
    mlp(name="AMSGrad left out", optimizer="amsgrad", phase="state", tensor="v_max/hidden.kernel",
        edits={", amsgrad=True": ""}),
    mlp(name="each gradient clipped by its own norm", optimizer="clipped_global", phase="update",
        tensor="hidden.kernel", edits={"(0.1 / norm)": "(0.1 / p.grad.norm())"}),
    mlp(name="rate of a step counted from 1", optimizer="step", step=2, phase="update", tensor="hidden.kernel",
        edits={"learning_rate(self.iterations)": "learning_rate(self.iterations + 1)"}),
    mlp(name="warm-up left out", optimizer="constant", phase="update", tensor="hidden.kernel",
        edits={"return 0.1 * t / 2 if t < 2 else": "return"}),
    torch(name="norms held along the other axis", network="bounded", optimizer="sgd", phase="update",
          tensor="first.kernel", edits={"unit_norm(model.first.weight, axis=1)":
                                        "unit_norm(model.first.weight, axis=0)"}),
    # state
    cnn(name="batch norm momentum with PyTorch's meaning", phase="state", tensor="norm.moving_mean",
        edits={"momentum=0.01": "momentum=0.99"}),
    cnn(name="batch norm momentum 0.9 for 0.99", phase="state", tensor="norm.moving_mean",
        edits={"momentum=0.01": "momentum=0.1"}),
    cnn(name="unbiased running variance", phase="state", tensor="norm.moving_variance",
        edits={"self.norm = BiasedBatchNorm2d": "self.norm = nn.BatchNorm2d"}),
    cnn(name="running statistics never moved", phase="state", tensor="norm.moving_mean",
        edits={"momentum=0.01": "momentum=0.0"}),
    # metric
    mlp(name="dropout active in evaluation", phase="metric", tensor="predictions",
        edits={"x = self.dropout(x)": "x = F.dropout(x, 0.25, True)"}),
    mlp(name="predictions without the softmax", phase="metric", tensor="predictions",
        edits={"return torch.softmax(self(x), dim=-1)": "return self(x)"}),
    heads(name="softmax of the wrong one of two outputs", phase="metric", tensor="predictions:label",
          edits={'outputs["label"] = torch.softmax(outputs["label"]':
                 'outputs["value"] = torch.softmax(outputs["value"]'}),
    cnn(name="batch statistics in evaluation", phase="metric", tensor="predictions",
        edits={"if not self.training:": "if False:"}),
]  # fmt: skip
"""In the order of the phases."""
