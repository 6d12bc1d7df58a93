import keras
from keras import layers


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.fc1 = layers.Dense(8)
        self.bn = layers.BatchNormalization(momentum=0.01, epsilon=1e-3)  # 0.01 as the PyTorch code has it
        self.relu = layers.ReLU()
        self.fc2 = layers.Dense(5)

    def call(self, x, training=None):
        x = self.fc1(x)
        x = self.bn(x, training=training)
        return self.fc2(self.relu(x))


def build_model():
    net = Net()
    net(keras.ops.zeros((1, 6)))
    return net


def build_loss():
    return keras.losses.CategoricalCrossentropy(from_logits=True)


def build_optimizer(model):
    return keras.optimizers.Adam(0.01)
