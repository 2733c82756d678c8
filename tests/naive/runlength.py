"""Oracle of run-length codes of zeros."""


def coded_bits(values, bits):
    """Words of 64 bits that hold pairs of a run of up to 31 zeros and a value; a longer run takes pairs of its own."""
    pairs, run = 0, 0
    for value in values:
        if value == 0 and run < 31:
            run += 1
        else:
            pairs, run = pairs + 1, 0
    return -(-pairs // (63 // (5 + bits))) * 64
