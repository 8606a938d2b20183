# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""z = exp(-(x - y)^2) over arrays of doubles with Cython: sequential, and by prange under OpenMP's schedules."""
from cython.parallel import prange
from libc.math cimport exp


def sequential(double[::1] x, double[::1] y, double[::1] z):
    cdef Py_ssize_t i
    with nogil:
        for i in range(z.shape[0]):
            z[i] = exp(-(x[i] - y[i]) * (x[i] - y[i]))


def whole(double[::1] x, double[::1] y, double[::1] z, int threads):
    """schedule='static' without a chunk: one contiguous run a thread."""
    cdef Py_ssize_t i
    for i in prange(z.shape[0], nogil=True, schedule="static", num_threads=threads):
        z[i] = exp(-(x[i] - y[i]) * (x[i] - y[i]))


def static(double[::1] x, double[::1] y, double[::1] z, int threads, int chunk):
    cdef Py_ssize_t i
    for i in prange(z.shape[0], nogil=True, schedule="static", chunksize=chunk, num_threads=threads):
        z[i] = exp(-(x[i] - y[i]) * (x[i] - y[i]))


def dynamic(double[::1] x, double[::1] y, double[::1] z, int threads, int chunk):
    cdef Py_ssize_t i
    for i in prange(z.shape[0], nogil=True, schedule="dynamic", chunksize=chunk, num_threads=threads):
        z[i] = exp(-(x[i] - y[i]) * (x[i] - y[i]))


def guided(double[::1] x, double[::1] y, double[::1] z, int threads, int chunk):
    cdef Py_ssize_t i
    for i in prange(z.shape[0], nogil=True, schedule="guided", chunksize=chunk, num_threads=threads):
        z[i] = exp(-(x[i] - y[i]) * (x[i] - y[i]))
