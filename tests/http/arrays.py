"""NumPy arrays as the bodies of requests and answers. Debian's own Python has NumPy: another one in PATH may lack it."""

import io

import numpy as np

NPY = "application/x-npy"


def saved(*arrays):
    """The arrays as np.save writes them, one after the other."""
    file = io.BytesIO()
    for array in arrays:
        np.save(file, array)
    return file.getvalue()


def loaded(body):
    """The one array that fills the body."""
    file = io.BytesIO(body)
    array = np.load(file, allow_pickle=False)
    assert file.read() == b"", "bytes after the array"
    return array


def listed(**fields):
    """Fields of a JSON body: arrays become lists."""
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in fields.items()}


def kernel(x, y, gamma):
    """exp(-gamma |x_i - y_j|^2), in double precision and without any trick."""
    x, y = x.astype(float), y.astype(float)
    difference = x[:, None, :] - y[None, :, :]
    return np.exp(-gamma * (difference * difference).sum(axis=2))
