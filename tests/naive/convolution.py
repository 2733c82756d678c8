"""Oracles of convolutions: where their windows lie, how many there are by trying each, and the direct convolution.

A convolution that the functions take as ``conv`` is a dict with the keys of a description: batch, channels (of a
group), height, width, kernel, stride, padding (top, left, bottom, right), dilation, out_height, out_width.
"""

from __future__ import annotations


def place_of(conv, pixel, ky, kx):
    """(image, row, column) of the input that an output pixel's window touches at a kernel position.

    Pixels count through the images' rows. A row or a column outside of the image is one of the padding.
    """
    image, place = divmod(pixel, conv["out_height"] * conv["out_width"])
    oy, ox = divmod(place, conv["out_width"])
    row = oy * conv["stride"][0] - conv["padding"][0] + ky * conv["dilation"][0]
    return image, row, ox * conv["stride"][1] - conv["padding"][1] + kx * conv["dilation"][1]


def last_window_start(count: int, stride: int) -> int:
    """Where the last of so many windows begins, from the padded edge."""
    return (count - 1) * stride


def out_size(size, kernel, stride, before, after, dilation, ceil_mode):
    """Windows along one axis, by sliding: each must fit, but with ceil_mode one more may reach over the edge.

    That one has a pixel of the padded input that no window before it has in its reach, and does not start in the
    padding behind the input (torch.nn.MaxPool2d, note on ceil_mode, and pooling_output_shape in its sources).
    """
    extent = (kernel - 1) * dilation + 1
    padded = before + size + after
    count = 0
    while count * stride + extent <= padded:
        count += 1
    start = count * stride
    reached = start - stride + extent
    return count + (ceil_mode and reached < padded and start < before + size)


def convolve(images, weights, stride, padding, dilation, groups, out):
    """Direct convolution of nested lists: images [batch][channel][y][x], weights [filter][channel of group][ky][kx].

    padding is top, left, bottom, right of zeros; out is the height and width of the result [batch][filter][y][x].
    What lies beyond the padding is zero as well.
    """
    height, width = len(images[0][0]), len(images[0][0][0])
    channels, filters = len(weights[0]), len(weights) // groups
    top, left, _, _ = padding

    def at(plane, y, x):
        y, x = y - top, x - left
        return plane[y][x] if 0 <= y < height and 0 <= x < width else 0

    def value(image, number, y, x):
        first = number // filters * channels
        return sum(
            at(image[first + c], y * stride[0] + ky * dilation[0], x * stride[1] + kx * dilation[1]) * weight
            for c, plane in enumerate(weights[number])
            for ky, row in enumerate(plane)
            for kx, weight in enumerate(row)
        )

    return [
        [[[value(image, number, y, x) for x in range(out[1])] for y in range(out[0])] for number in range(len(weights))]
        for image in images
    ]
