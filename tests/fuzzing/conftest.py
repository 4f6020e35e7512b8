"""The mutations are imported by name, by the tests and by benchmarks/hostile_input.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
