"""ORB features and a plane map from OpenCV, as a peer of the matching engine.

Started by `touchstone-bench calibrate`. Arguments: the registered pictures. Prints `ready VERSION` when it has read
them; then, for each path on standard input, one line `BEST INLIERS`: the registered picture whose plane map explains
most features of the photo, and how many. Settings follow OpenCV's tutorials on feature matching and homography.
Needs opencv-python-headless and numpy.
"""

import sys

import cv2
import numpy as np

FEATURES = 500
LONG_SIDE = 640
RATIO = 0.75
LEAST_MATCHES = 10
REPROJECTION_PIXELS = 5.0

cv2.setNumThreads(1)
cv2.setRNGSeed(1)
orb = cv2.ORB_create(nfeatures=FEATURES)
matcher = cv2.BFMatcher(cv2.NORM_HAMMING)


def describe(path):
    """Places and descriptors of a picture's features; none if it has too few."""
    picture = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    if picture is None:
        return None
    factor = LONG_SIDE / max(picture.shape)
    if factor < 1:
        picture = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    points, codes = orb.detectAndCompute(picture, None)
    if codes is None or len(codes) < LEAST_MATCHES:
        return None
    return np.float32([point.pt for point in points]), codes


def inliers(photo, registered):
    """How many features of the photo a plane map onto the registered picture explains."""
    if photo is None or registered is None:
        return 0
    pairs = matcher.knnMatch(photo[1], registered[1], k=2)
    good = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < RATIO * pair[1].distance]
    if len(good) < LEAST_MATCHES:
        return 0
    source = photo[0][[match.queryIdx for match in good]]
    target = registered[0][[match.trainIdx for match in good]]
    _, mask = cv2.findHomography(source, target, cv2.RANSAC, REPROJECTION_PIXELS)
    return 0 if mask is None else int(mask.sum())


registered = [describe(path) for path in sys.argv[1:]]
print("ready", cv2.__version__, flush=True)
for line in sys.stdin:
    photo = describe(line.rstrip("\n"))
    counts = [inliers(photo, one) for one in registered]
    best = int(np.argmax(counts))
    print(best, counts[best], flush=True)
