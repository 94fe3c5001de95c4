"""The command that times symgrad beside its peers: `python -m benchmarks.side_by_side`.

Value and derivative together, float64, on one core. For each problem every peer is prepared with
its best settings, all results are checked against each other, and then all peers are timed in
turn, round after round, so that a drift of the machine hits them alike. Two figures a peer:

whole: one call on all points, every result stored in arrays as large as the batch.
pieces: the same points in pieces of the size that suits the peer best, each in contiguous arrays
    of its own and all with the same result arrays, as when results are used up piece by piece.

README.md explains the choices.
"""

import argparse
import contextlib
import json
import math
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import PEERS, prepare
from benchmarks.peers.prepared import Prepared, Unavailable, timed
from benchmarks.picture import write_picture
from benchmarks.problems import PROBLEMS, Problem

MAIN_PROBLEMS = ("sine", "black_scholes", "bundle_adjustment", "ur5")
PIECES = (65_536, 4096)
CHECKED_POINTS = 1001
TOLERANCE = 1e-9
# A round of a peer's pieces stops growing at this many seconds, and a whole batch that would
# take longer than the second figure is not run.
PIECES_SECONDS = 0.2
WHOLE_SECONDS = 10.0
