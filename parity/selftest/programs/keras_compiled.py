from keras import Sequential
from keras.layers import Dense, Input
from keras.optimizers import Adam

model = Sequential()
model.add(Input(shape=(6,)))
model.add(Dense(8, activation="relu"))
model.add(Dense(5, activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer=Adam(learning_rate=0.01), metrics=["accuracy"])

if __name__ == "__main__":
    from data import x_train, y_train

    model.fit(x_train, y_train, epochs=10, batch_size=8)
