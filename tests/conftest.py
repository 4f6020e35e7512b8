"""Tables of cases and oracles are imported by name from the tests' own directory.

Compilation dominates the tests' time, so what one process has compiled is kept for the other, and for the next run.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent

sys.path.insert(0, str(HERE))
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(HERE.parent / ".jax_cache"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")
