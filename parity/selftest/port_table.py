"""Which program is written how, is meant to be what, and has which fault, where, for which cause."""

from __future__ import annotations

from parity.selftest.ports import Port

WEIGHTS = ("hidden.kernel", "hidden.bias", "out.kernel", "out.bias")
BIASES = ("hidden.bias", "out.bias")
COLUMN, FLAT = {"data.targets": "column"}, {"data.targets": "flat"}
LOSS = ("loss",)
OUT_OR_LOSS = {"forward": ("out", "out.logits"), "loss": LOSS}
"""A softmax too much is in the outputs, or in what the loss makes of them: both are true."""

REDUCTION = ("loss.reduction", "program.loss_factor")
"""On batches of one size a sum, or a mean over too much, is a constant factor: both are true."""

SCRIPT = {"loss": "criterion", "optimizer": "make_optimizer"}

RIGHT = [
    # PyTorch
    Port(program="torch_quickstart", style="quickstart tutorial: Flatten and a Sequential in a Module", network="mlp",
         optimizer="sgd", names={"model": "NeuralNetwork", "loss": "loss_fn", "optimizer": "make_optimizer"}),
    Port(program="torch_lenet", style="60-minute blitz: F.relu, view, permuted by hand, its own step",
         network="image", optimizer="momentum", names={"model": "Net", **SCRIPT}),
    Port(program="torch_nll", style="MNIST example: log_softmax, F.nll_loss on class numbers", network="dropped",
         optimizer="adam_after", names={"model": "Net"}),
    Port(program="torch_softmax_log", style="returns softmax, its loss takes the log", network="softmax",
         optimizer="sgd", names={"loss": "categorical_crossentropy"}),
    Port(program="torch_from_scratch", style="textbook: plain tensors, softmax and loss written out, class numbers",
         network="mlp", optimizer="sgd",
         names={"model": "MLPScratch", "loss": "cross_entropy", "optimizer": "trainer"}),
    Port(program="torch_flat_outputs", style="returns (N,), its loss flattens the targets", network="regression",
         optimizer="adam_after"),
    Port(program="torch_flat_targets", style="a script; returns (N,), wants targets (N,)", network="regression",
         optimizer="sgd", names={"model": "net", "loss": "criterion", "optimizer": "optimizer"}, changes=FLAT),
    Port(program="torch_bce_with_logits", style="BCEWithLogitsLoss on (N, 1)", network="binary",
         optimizer="adam_after",
         names={"model": "BinaryClassification", "loss": "criterion", "optimizer": "get_optimizer"}),
    Port(program="torch_bce_sigmoid", style="sigmoid and BCELoss on (N,)", network="binary", optimizer="nesterov"),
    Port(program="torch_batchnorm", style="Sequential of an OrderedDict, batch norm", network="norm_torch",
         optimizer="momentum"),
    Port(program="torch_buffers", style="buffers that the spec has not, one of them counts", network="mlp",
         optimizer="sgd"),
    Port(program="torch_groups", style="nested modules, parameter groups in another order", network="deep",
         optimizer="momentum", names={"model": "Classifier"}),
    Port(program="torch_penalty", style="its own step adds the L2 of the weights", network="penalised",
         optimizer="momentum", names={"model": "MLP"}),
    Port(program="torch_lightning", style="training_step and configure_optimizers", network="dropped",
         optimizer="adamw_after", names={"model": "LitClassifier"}),
    Port(program="torch_alias", style="ModuleList, its last layer under a second name", network="deep",
         optimizer="sgd", names={"model": "MLP"}),
    Port(program="torch_log_softmax_twice", style="LogSoftmax and CrossEntropyLoss, which is the same", network="mlp",
         optimizer="momentum", names={"model": "Net", **SCRIPT}),
    Port(program="torch_own_optimizer", style="an Optimizer of its own", network="mlp", optimizer="momentum"),
    Port(program="torch_conv1d", style="Conv1d between transposes", network="sequence", optimizer="rmsprop_torch"),
    # Keras
    Port(program="keras_functional_image", style="functional API", network="image", optimizer="momentum",
         names={"model": "make_model", "loss": "get_loss", "optimizer": "get_optimizer"}),
    Port(program="keras_sparse", style="a script; sparse cross-entropy on class numbers", network="mlp",
         optimizer="sgd", names={"model": "model", "loss": "loss_fn"}),
    Port(program="keras_subclassed", style="subclassed model", network="dropped", optimizer="adam"),
    Port(program="keras_compiled", style="a script with model.compile(), loss by name", network="softmax",
         optimizer="adam", names={"model": "model"}),
    Port(program="keras_own_train_step", style="compiled, with a train_step of its own", network="mlp",
         optimizer="momentum", names={"model": "model"}),
    Port(program="keras_custom_layers", style="layers and loss of its own, one layer inside another", network="deep",
         optimizer="sgd"),
    Port(program="keras_loop", style="training loop from scratch", network="dropped", optimizer="momentum",
         names={"model": "get_model", "loss": "loss_fn", "optimizer": "get_optimizer"}),
    Port(program="keras_batchnorm", style="Sequential.add, batch norm, softmax", network="norm_softmax",
         optimizer="momentum"),
    Port(program="keras_flat", style="returns (N,), Keras's loss aligns the targets", network="regression",
         optimizer="sgd"),
    Port(program="keras_penalised", style="its own step adds model.losses", network="penalised", optimizer="adam"),
    # TensorFlow
    Port(program="tensorflow_core_mlp", style="core guide: modules, Adam written out, class numbers", network="mlp",
         optimizer="adam_after", names={"loss": "cross_entropy_loss"}),
    Port(program="tensorflow_regression", style="basic training loop", network="regression", optimizer="sgd"),
    Port(program="tensorflow_cnn", style="helpers of TensorFlow 1, momentum as it had it", network="image",
         optimizer="momentum", names={"model": "ConvNet", "loss": "loss"}),
    Port(program="tensorflow_tf_optimizers", style="weights in a dict, tf.optimizers", network="mlp",
         optimizer="sgd"),
    Port(program="tensorflow_dropout", style="tf.nn.dropout in __call__, loss written out", network="dropped",
         optimizer="sgd"),
    Port(program="tensorflow_lists", style="weights in lists, a loop over them", network="deep", optimizer="sgd"),
    Port(program="tensorflow_batchnorm", style="batch norm by tf.nn.moments", network="norm", optimizer="sgd"),
]  # fmt: skip
"""Programs that are what they are meant to be."""

TORCH_FAULTS = [
    Port(program="torch_no_zero_grad", style="its own step", network="mlp", optimizer="sgd",
         names={"model": "MLP", **SCRIPT}, fault="gradients not set to zero", step=2, places={"gradient": WEIGHTS},
         causes=("program.zero_grad",)),
    Port(program="torch_flatten_first", style="functional", network="image", optimizer="momentum",
         fault="flattened channels first", places={"forward": ("flatten",)}, causes=("program.flatten_order",)),
    Port(program="torch_left_in_eval", style="accuracy before each step", network="dropped", optimizer="adam_after",
         fault="left in evaluation mode", places={"forward": ("dropout",)}, causes=("program.training",)),
    Port(program="torch_always_dropout", style="functional", network="dropped", optimizer="momentum",
         fault="dropout in evaluation, too", places={"metric": ("predictions",)}, causes=("program.training",)),
    Port(program="torch_sum_loss", style="a script", network="mlp", optimizer="sgd",
         names={"model": "model", "loss": "loss_fn", "optimizer": "optimizer"}, fault="loss summed, not averaged",
         places={"loss": LOSS}, causes=REDUCTION),
    Port(program="torch_softmax_twice", style="functional", network="mlp", optimizer="adam_after",
         names={"model": "Net", **SCRIPT}, fault="softmax before CrossEntropyLoss", places=OUT_OR_LOSS,
         causes=("layers.out.activation",)),
    Port(program="torch_softmax_over_rows", style="loss written out", network="softmax", optimizer="sgd",
         fault="softmax over the rows", places=OUT_OR_LOSS),
    Port(program="torch_adam_epsilon", style="torch.optim.Adam with Keras's epsilon", network="mlp", optimizer="adam",
         fault="epsilon after the bias correction", places={"update": WEIGHTS}, causes=("optimizer.epsilon_place",),
         value="after_correction"),
    Port(program="torch_coupled_decay", style="weight_decay= of Adam", network="mlp", optimizer="adamw_after",
         names={"model": "MLP", "loss": "loss"}, fault="weight decay through the gradient",
         places={"update": WEIGHTS}, causes=("optimizer", "optimizer.*")),
    Port(program="torch_decay_on_biases", style="penalty over net.parameters()", network="penalised",
         optimizer="momentum", fault="biases penalised, too", step=2, places={"loss": LOSS},
         causes=("layers.*.bias_regularizer",)),
    Port(program="torch_padding", style="modules", network="strided", optimizer="sgd",
         fault="padding=1 for same at a stride of 2", places={"forward": ("conv",)}, causes=("layers.conv.padding",)),
    Port(program="torch_running_variance", style="modules", network="norm", optimizer="momentum",
         fault="running variance over n - 1", places={"state": ("norm.moving_variance",)},
         causes=("layers.norm.unbiased_variance",), value=True),
    Port(program="torch_bn_momentum", style="blocks", network="norm_torch", optimizer="sgd",
         names={"model": "Net", **SCRIPT}, fault="Keras's momentum given to PyTorch",
         places={"state": ("norm.moving_mean", "norm.moving_variance")}, causes=("layers.norm.momentum",), value=0.1),
    Port(program="torch_bn_epsilon", style="a subclassed batch norm", network="norm", optimizer="adam_after",
         fault="PyTorch's epsilon of batch norm", places={"forward": ("norm",)}, causes=("layers.norm.epsilon",),
         value=1e-5),
    Port(program="torch_bn_frozen", style="fine-tuning: train() keeps batch norm in eval()", network="norm_torch",
         optimizer="sgd", fault="batch norm in evaluation mode", places={"forward": ("norm",)},
         causes=("program.training",)),
    Port(program="torch_gelu_tanh", style="feed-forward block", network="gelu", optimizer="sgd", fault="gelu by tanh",
         places={"forward": ("hidden",)}, causes=("layers.hidden.activation.approximate",), value=True),
    Port(program="torch_stretched", style="squeezed outputs", network="regression", optimizer="sgd", changes=COLUMN,
         names={"model": "Net", "loss": "loss_func", "optimizer": "make_optimizer"}, fault="(N,) against (N, 1)",
         places={"loss": LOSS}, causes=("data.targets",)),
    Port(program="torch_head_only", style="fine-tuning", network="deep", optimizer="sgd",
         fault="only the head is given to the optimizer",
         places={"update": ("hidden.kernel", "hidden.bias", "second.kernel", "second.bias")}),
    Port(program="torch_dampening", style="a script", network="mlp", optimizer="momentum",
         names={"model": "net", "loss": "criterion", "optimizer": "optimizer"}, fault="momentum dampened", step=2,
         places={"update": WEIGHTS}, causes=("optimizer.*",)),
    Port(program="torch_detached", style="functional", network="deep", optimizer="sgd",
         fault="a gradient cut off by .data", places={"gradient": ("hidden.kernel", "hidden.bias", "hidden")}),
]  # fmt: skip

KERAS_FAULTS = [
    Port(program="keras_no_training_flag", style="custom training tutorial", network="dropped", optimizer="momentum",
         fault="model(x) without training=True", places={"forward": ("dropout",)}, causes=("program.training",)),
    Port(program="keras_no_losses", style="training loop from scratch", network="penalised", optimizer="adam",
         fault="model.losses forgotten", places={"loss": LOSS}, causes=("layers.*.kernel_regularizer",)),
    Port(program="keras_from_logits", style="Sequential", network="mlp", optimizer="adam",
         fault="logits taken for probabilities", places={"loss": LOSS}, causes=("loss.from_logits",), value=False),
    Port(program="keras_bn_frozen", style="functional API", network="norm", optimizer="sgd",
         fault="batch norm with trainable = False", places={"forward": ("norm",)}, causes=("program.training",),
         optional=True),
    Port(program="keras_bn_momentum", style="subclassed model", network="norm", optimizer="adam",
         fault="PyTorch's momentum given to Keras", places={"state": ("norm.moving_mean", "norm.moving_variance")},
         causes=("layers.norm.momentum",), value=0.01),
    Port(program="keras_channels_first_flatten", style="Sequential", network="image", optimizer="momentum",
         fault="flattened channels first", places={"forward": ("flatten",)}, causes=("program.flatten_order",)),
    Port(program="keras_nesterov", style="a script with model.compile()", network="mlp", optimizer="momentum",
         names={"model": "model"}, fault="Nesterov switched on", places={"update": WEIGHTS},
         causes=("optimizer.nesterov",), value=True),
    Port(program="keras_sum_loss", style="a loss of its own", network="regression", optimizer="sgd",
         names={"loss": "mse"}, fault="loss summed, not averaged", places={"loss": LOSS}, causes=REDUCTION),
]  # fmt: skip

TENSORFLOW_FAULTS = [
    Port(program="tensorflow_mean_over_classes", style="loss written out", network="mlp", optimizer="sgd",
         fault="mean over the classes, too", places={"loss": LOSS}, causes=REDUCTION),
    Port(program="tensorflow_l2_half", style="tf.nn.l2_loss, weights in a dict", network="penalised", optimizer="sgd",
         names={"loss": "loss"}, fault="l2_loss is half the sum of squares", places={"loss": LOSS},
         causes=("layers.*.kernel_regularizer", "layers.*.kernel_regularizer.factor")),
    Port(program="tensorflow_keep_prob", style="a method a layer, keep_prob of TensorFlow 1", network="dropped",
         optimizer="sgd", fault="keep probability taken for a rate", places={"forward": ("dropout",)},
         causes=("layers.dropout.rate",), value=0.75),
    Port(program="tensorflow_always_dropout", style="all in __call__", network="dropped", optimizer="sgd",
         fault="dropout in evaluation, too", places={"metric": ("predictions",)}, causes=("program.training",)),
    Port(program="tensorflow_averaged_momentum", style="momentum as a moving average", network="mlp",
         optimizer="momentum", fault="momentum times (1 - beta)", places={"update": WEIGHTS},
         causes=("optimizer.*",)),
    Port(program="tensorflow_half_square", style="textbook: squared loss over 2", network="regression",
         optimizer="sgd", names={"loss": "squared_loss"}, fault="half the squared error", places={"loss": LOSS},
         causes=("program.loss_factor",)),
    Port(program="tensorflow_forgotten_biases", style="its own step", network="mlp", optimizer="sgd",
         fault="biases not trained", places={"gradient": BIASES, "update": BIASES}),
    Port(program="tensorflow_stretched", style="squeezed outputs", network="regression", optimizer="sgd",
         changes=COLUMN, fault="(N,) against (N, 1)", places={"loss": LOSS}, causes=("data.targets",)),
]  # fmt: skip

FAULTY = [*TORCH_FAULTS, *KERAS_FAULTS, *TENSORFLOW_FAULTS]
"""Programs with one fault each, of the kinds that public questions are about."""

PORTS = [*RIGHT, *FAULTY]
"""All of them."""
