"""OpenCV, told how to behave in a daemon on a small box; import ``cv2`` from here."""

import os

# A picture's head may claim any size and the memory is taken before the first pixel is read:
# nothing larger than the largest camera (8K, 33 million). OpenCV asks when it is loaded.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(1 << 26))
# Its Video4Linux part would wait 10 s for a picture.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "5")
# FFmpeg would write to stderr about each lost connection, which is told once elsewhere.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
# Of two cores the other one is the daemon's.
cv2.setNumThreads(1)

__all__ = ["cv2"]
