"""Tables of cases and oracles are imported by name from the tests' own directory."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
