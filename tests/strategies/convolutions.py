"""Convolutions of any geometry, and the products that they become."""

from accelsim.workload.gemm import Convolution, Gemm


def convolution(image, kernel, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1)):
    """A convolution of images (batch, channels of a group, height, width) by whole windows.

    Padding is top, left, bottom, right.
    """
    sides = zip(image[2:], padding[:2], padding[2:], kernel, stride, dilation, strict=True)
    out = [(size + before + after - (k - 1) * d - 1) // s + 1 for size, before, after, k, s, d in sides]
    return Convolution(*image, tuple(kernel), tuple(stride), tuple(padding), tuple(dilation), *out)


def product_of(conv, filters, groups=1, **options):
    """The product of a convolution with so many filters in each of its groups."""
    m, k = conv.batch * conv.out_height * conv.out_width, conv.channels * conv.kernel[0] * conv.kernel[1]
    return Gemm(m, k, filters, groups, convolution=conv, **options)
