"""What Numba kernels share: exponential, logarithm and sums that become vector instructions, and special functions.

Numba calls the C library for each number; these run on four or eight at once, to the last bit or two. No sum
needs to be reordered for that, so the draws are the same in each compilation.
"""

import math

import numba
import numba.core.cgutils
import numba.extending
import numpy as np

LOG2_HIGH = float.fromhex("0x1.62e42fee00000p-1")
"""The leading bits of ln 2: a whole number times this is exact."""
LOG2_LOW = 1.9082149292705877e-10
LOG2_E = 1.4426950408889634
SHIFT = 1.5 * 2.0**52
"""Added to a whole number, it leaves that number in the lowest bits."""
BIAS = np.int64(1023)
MANTISSA = np.int64((1 << 52) - 1)
BITS = np.int64(52)
WHOLE = np.int64(0x433 << 52)
"""The bits of 2^52: a small whole number put into its lowest bits is added to it."""
ROOT2 = 2.0**0.5

kernel = numba.njit(error_model="numpy", fastmath=False)
"""Compiles a kernel. With ``fastmath`` unsaid, Numba hands down that of whoever compiles the kernel first, which
PyTensor has on by default: sums would be reordered, and draws depend on what else was compiled before."""


@numba.njit(inline="always", error_model="numpy", fastmath=False)
def exp(x):
    """Return e^x for a finite x, held to ±700: 2^k times the Taylor series of what is left."""
    x = min(max(x, -700.0), 700.0)
    k = np.floor(x * LOG2_E + 0.5)
    r = (x - k * LOG2_HIGH) - k * LOG2_LOW
    p = 1 / 479001600 + r * (1 / 6227020800)
    p = 1 / 39916800 + r * p
    p = 1 / 3628800 + r * p
    p = 1 / 362880 + r * p
    p = 1 / 40320 + r * p
    p = 1 / 5040 + r * p
    p = 1 / 720 + r * p
    p = 1 / 120 + r * p
    p = 1 / 24 + r * p
    p = 1 / 6 + r * p
    p = 1 / 2 + r * p
    p = 1 + r * (1 + r * p)
    return p * np.int64((np.float64(k + SHIFT).view(np.int64) + BIAS) << BITS).view(np.float64)


@numba.njit(inline="always", error_model="numpy", fastmath=False)
def log(x):
    """Return ln x for a positive, normal x: its exponent, and the series of the inverse hyperbolic tangent."""
    bits = np.float64(x).view(np.int64)
    exponent = np.int64((bits >> BITS) | WHOLE).view(np.float64) - (2.0**52 + 1023)
    m = np.int64((bits & MANTISSA) | (BIAS << BITS)).view(np.float64)
    exponent = exponent + 1.0 if m > ROOT2 else exponent
    m = 0.5 * m if m > ROOT2 else m
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    p = 1 / 19 + z * (1 / 21)
    p = 1 / 17 + z * p
    p = 1 / 15 + z * p
    p = 1 / 13 + z * p
    p = 1 / 11 + z * p
    p = 1 / 9 + z * p
    p = 1 / 7 + z * p
    p = 1 / 5 + z * p
    p = 1 / 3 + z * p
    return exponent * LOG2_HIGH + (2.0 * s + (2.0 * s * z * p + exponent * LOG2_LOW))


@kernel
def total(x):
    """Return the sum of a vector, as four sums side by side."""
    whole = len(x) // 4 * 4
    a = b = c = d = 0.0
    for i in range(0, whole, 4):
        a += x[i]
        b += x[i + 1]
        c += x[i + 2]
        d += x[i + 3]
    for i in range(whole, len(x)):
        a += x[i]
    return (a + b) + (c + d)


@kernel
def dot(x, y):
    """Return the sum of products of two vectors, as `total` does it."""
    whole = len(x) // 4 * 4
    a = b = c = d = 0.0
    for i in range(0, whole, 4):
        a += x[i] * y[i]
        b += x[i + 1] * y[i + 1]
        c += x[i + 2] * y[i + 2]
        d += x[i + 3] * y[i + 3]
    for i in range(whole, len(x)):
        a += x[i] * y[i]
    return (a + b) + (c + d)


@kernel
def softplus(x):
    """Return ``log(1 + e^x)``."""
    return max(x, 0.0) + np.log1p(np.exp(-abs(x)))


@kernel
def psi(x):
    """Return the derivative of log gamma at a positive x (Abramowitz and Stegun 1964, 6.3.5 and 6.3.18)."""
    shift = 0.0
    while x < 10.0:
        shift -= 1.0 / x
        x += 1.0
    y = 1.0 / (x * x)
    series = y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y / 132))))
    return shift + np.log(x) - 0.5 / x - series


@kernel
def erfcx(x):
    """Return ``e^(x^2) erfc(x)``, from 25 on by its asymptotic series (Abramowitz and Stegun 1964, 7.1.23)."""
    if x < 25.0:
        return np.exp(x * x) * math.erfc(x)
    y = 0.5 / (x * x)
    return (1.0 - y * (1.0 - 3.0 * y * (1.0 - 5.0 * y * (1.0 - 7.0 * y * (1.0 - 9.0 * y))))) / (x * math.sqrt(math.pi))


@numba.extending.intrinsic
def pointer(typing_context, address):
    """Return the pointer to an address."""

    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], numba.core.cgutils.voidptr_t)

    return numba.types.voidptr(address), generate
