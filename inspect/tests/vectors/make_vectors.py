#!/usr/bin/env python3
"""Writes the fingerprint vectors from the reference implementations.

Oracles, as published for Python: `pdqhash` 0.2.8 (Meta's PDQ code behind a binding), `iscc-core` 1.5.0 and
`iscc-sdk` 0.9.7 (the reference software of ISO 24138; the latter with `pillow` 13.0.0) and `numpy`.

    cargo build -p touchstone-inspect --no-default-features --example dump_pixels
    target/debug/examples/dump_pixels PIXELS $TOUCHSTONE_CORPUS/photos/img/*
    python make_vectors.py $TOUCHSTONE_CORPUS/photos/img PIXELS

Writes `formula.json` (pictures drawn by the formulas below, which `tests/fingerprint.rs` repeats) and
`photographs.json`. The photographs are not part of the project: a vector names the file, its SHA-256 and the
SHA-256 of the pixels that this crate's decoder gives. The oracles see exactly those pixels, because two JPEG
decoders may differ by one level. Without arguments only `formula.json` is written.
"""

import hashlib
import json
import pathlib
import sys

import iscc_core
import iscc_sdk
import numpy
import pdqhash
from PIL import Image

HERE = pathlib.Path(__file__).parent

PICTURES = [
    ("gradient", 5, 7), ("gradient", 64, 64), ("gradient", 640, 480), ("gradient", 1000, 1000),
    ("checker", 7, 5), ("checker", 128, 128), ("checker", 257, 1023), ("checker", 1024, 1024),
    ("shapes", 63, 65), ("shapes", 129, 127), ("shapes", 480, 640), ("shapes", 1600, 1200),
    ("strokes", 32, 32), ("strokes", 200, 50), ("strokes", 800, 600), ("strokes", 1366, 768),
    ("noise", 9, 300), ("noise", 64, 64), ("noise", 321, 123), ("noise", 1001, 7),
    ("plain", 64, 64), ("plain", 300, 200), ("plain", 5, 5),
    ("framed", 320, 240), ("framed", 61, 97), ("framed", 900, 1200),
    ("sky", 300, 300), ("sky", 1280, 720),
    ("waves", 64, 64), ("waves", 500, 375), ("waves", 31, 33), ("waves", 1200, 1600),
    ("noise", 1, 1), ("shapes", 4, 200), ("waves", 90, 4), ("strokes", 2, 3), ("gradient", 1, 700),
]


def mix(a, b, c):
    """A 32-bit mixing function of three numbers."""
    value = (a * 0x9E3779B1 + b * 0x85EBCA77 + c * 0xC2B2AE3D) & 0xFFFFFFFF
    value ^= value >> 15
    value = (value * 0x2C1B3C6D) & 0xFFFFFFFF
    value ^= value >> 12
    value = (value * 0x297A2D39) & 0xFFFFFFFF
    return value ^ (value >> 15)


def triangle(position, period):
    """A triangle wave between 0 and 255."""
    return abs(position % (2 * period) - period) * 255 // period


def formula(kind, w, h):
    """The picture as an array of h x w x 3 bytes, in whole-number arithmetic only."""
    y, x = (axis.astype(numpy.uint64).astype(numpy.int64) for axis in numpy.mgrid[0:h, 0:w])
    low = min(w, h)

    def paint(base, *layers):
        out = [numpy.broadcast_to(numpy.asarray(channel, dtype=numpy.int64), (h, w)) for channel in base]
        for mask, colour in layers:
            out = [numpy.where(mask, new, old) for new, old in zip(colour, out)]
        return numpy.ascontiguousarray(numpy.stack(out, axis=-1).astype(numpy.uint8))

    def ink():
        cell = max(low // 16, 2)
        cx, cy = x // cell, y // cell
        dot = x % cell * 5 // cell * 8 + y % cell * 7 // cell
        return (cy % 2 == 1) & (unsigned(cx, cy, dot) % 4 == 0)

    def unsigned(a, b, c):
        c = numpy.broadcast_to(numpy.asarray(c), a.shape)
        return mix(a.astype(numpy.uint64), b.astype(numpy.uint64), c.astype(numpy.uint64)).astype(numpy.int64)

    if kind == "gradient":
        return paint((x * 255 // max(w - 1, 1), y * 255 // max(h - 1, 1), (x + y) * 255 // max(w + h - 2, 1)))
    if kind == "checker":
        side = 1 + low // 8
        return paint((20, 60, 120), ((x // side + y // side) % 2 == 1, (230, 210, 40)))
    if kind == "shapes":
        disc = (x - w // 3) ** 2 + (y - h // 2) ** 2 <= (low // 4) ** 2
        box = (x >= w * 3 // 5) & (x < w * 9 // 10) & (y >= h // 5) & (y < h * 7 // 10)
        tent = (y - h * 3 // 4) * 2 >= abs(x - w // 2)
        return paint((240, 240, 235), (disc, (200, 40, 30)), (box, (30, 90, 180)), (tent, (20, 140, 60)))
    if kind == "strokes":
        paper = 250 - x * 20 // w
        return paint((paper, paper, paper), (ink(), (25, 25, 30)))
    if kind == "noise":
        value = unsigned(x, y, 7)
        return paint((value % 256, value // 256 % 256, value // 65536 % 256))
    if kind == "plain":
        return paint((131, 77, 201))
    if kind == "framed":
        grain = 200 + unsigned(x, y, 3) % 9
        mat = (x >= w // 8) & (x < w - w // 8) & (y >= h // 10) & (y < h - h // 10)
        inner = (x >= w // 5) & (x < w - w // 5) & (y >= h // 6) & (y < h - h // 6)
        wave = triangle(x + 2 * y, low // 3 + 1)
        return paint((grain, grain, grain), (mat, (30, 30, 34)), (inner, (wave, 255 - wave, y * 255 // h)))
    if kind == "sky":
        light = 150 + y * 60 // h
        hill = y > h // 2 + triangle(x, w // 4 + 1) * h // 2048
        grass = unsigned(x, y, 5) % 64
        return paint((light // 2, light, light + 40), (hill, (grass, 80 + grass, grass // 2)))
    if kind == "waves":
        red, green = triangle(3 * x + y, w // 2 + 1), triangle(x + 5 * y, h // 3 + 1)
        return paint((red, green, (red + green + triangle(x * y // 16, 97)) // 3))
    raise ValueError(kind)


def text_of(bits):
    """Hexadecimal text of a bit vector, first bit highest."""
    return numpy.packbits(bits.astype(numpy.uint8)).tobytes().hex()


def answers(rgb):
    """What the oracles say about a pixel buffer."""
    bits, quality = pdqhash.compute(rgb)
    turned, turned_quality = pdqhash.compute_dihedral(rgb)
    assert quality == turned_quality
    pixels = list(iscc_sdk.image_normalize(Image.fromarray(rgb, "RGB")))
    long = iscc_core.gen_image_code(pixels, bits=256)["iscc"]
    return {
        "width": rgb.shape[1],
        "height": rgb.shape[0],
        "rgb_sha256": hashlib.sha256(rgb.tobytes()).hexdigest(),
        "pdq": text_of(bits),
        "quality": int(quality),
        "dihedral": [text_of(one) for one in turned],
        "iscc_64": iscc_core.gen_image_code(pixels, bits=64)["iscc"],
        "iscc_256": long,
        "featureless": iscc_sdk.is_featureless_image_code(long),
    }


def write(name, vectors):
    lines = ",\n".join(json.dumps(vector) for vector in vectors)
    (HERE / name).write_text(f"[\n{lines}\n]\n")
    print(name, len(vectors))


def main():
    write("formula.json", [{"kind": kind} | answers(formula(kind, w, h)) for kind, w, h in PICTURES])
    if len(sys.argv) < 3:
        return
    vectors = []
    for file in sorted(pathlib.Path(sys.argv[1]).iterdir()):
        dump = pathlib.Path(sys.argv[2]) / f"{file.name}.ppm"
        if not dump.exists():
            continue
        rgb = numpy.asarray(Image.open(dump).convert("RGB"))
        found = answers(rgb)
        # The seven other hashes are many bytes; their digest keeps the vectors small and the check as sharp.
        found["dihedral_sha256"] = hashlib.sha256("".join(found.pop("dihedral")).encode()).hexdigest()
        vectors.append({"file": file.name, "file_sha256": hashlib.sha256(file.read_bytes()).hexdigest()} | found)
    write("photographs.json", vectors)


main()
