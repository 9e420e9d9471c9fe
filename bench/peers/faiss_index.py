"""FAISS on codes and queries from a folder, one thread: what `touchstone-bench index` compares itself with.

Usage: python3 faiss_index.py FOLDER   (needs faiss-cpu and numpy)

FOLDER holds `codes` (32 bytes each), `queries-31` and `queries-36` (32 bytes each) and `truth-31`, `truth-36` (the
place of the code that each query is near to, 4 bytes little-endian). Prints one JSON object a line:

    {"peer": "flat", "radius": 31, "mean": ..., "median": ..., "recall": ..., "bytes": ...}

mean is processor time, median is wall clock of each query's best of three passes; both microseconds. bytes is what
the process grew by, a code. A last line tells the version.
"""

import json
import os
import sys
import time

try:
    import faiss
    import numpy as np
except ImportError:
    print(json.dumps({"missing": "pip install faiss-cpu"}))
    sys.exit(0)

PASSES = 3
CODE_BYTES = 32


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def read(folder, name, kind, columns):
    values = np.fromfile(os.path.join(folder, name), kind)
    return values.reshape(-1, columns) if columns > 1 else values


def build(index, codes):
    """Fills the index in parts; answers its bytes a code."""
    before = resident()
    for start in range(0, len(codes), 1_000_000):
        index.add(codes[start : start + 1_000_000])
    return (resident() - before) / len(codes)


def measure(index, queries, truth, radius):
    best = np.full(len(queries), np.inf)
    found, start = 0, time.process_time()
    for turn in range(PASSES):
        for place in range(len(queries)):
            begun = time.perf_counter()
            # FAISS answers what is below the given distance.
            _, _, ids = index.range_search(queries[place : place + 1], radius + 1)
            best[place] = min(best[place], (time.perf_counter() - begun) * 1e6)
            found += int(turn == 0 and truth[place] in ids)
    mean = (time.process_time() - start) * 1e6 / (PASSES * len(queries))
    return {"mean": mean, "median": float(np.median(best)), "recall": found / len(queries)}


def main(folder):
    faiss.omp_set_num_threads(1)
    codes = read(folder, "codes", np.uint8, CODE_BYTES)
    few = max(20, min(200, 400_000_000 // len(codes)))
    # 16 tables of 16 bits, one flip: what threatexchange and HMA use.
    hashed = faiss.IndexBinaryMultiHash(8 * CODE_BYTES, 16, 16)
    hashed.nflip = 1
    for peer, index in (("flat", faiss.IndexBinaryFlat(8 * CODE_BYTES)), ("multihash", hashed)):
        size = build(index, codes)
        for radius in (31, 36):
            queries = read(folder, f"queries-{radius}", np.uint8, CODE_BYTES)[:few]
            truth = read(folder, f"truth-{radius}", np.uint32, 1)[:few]
            row = {"peer": peer, "radius": radius, "bytes": size}
            print(json.dumps(row | measure(index, queries, truth, radius)), flush=True)
        index.reset()
    print(json.dumps({"version": faiss.__version__}))


if __name__ == "__main__":
    main(sys.argv[1])
