"""The processes that Ray has started on this machine, by what they are called."""

from pathlib import Path


def ray_processes(name: str) -> list[int]:
    """The ids of this machine's processes whose title begins with this."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cmdline").read_bytes().startswith(name.encode()):
                found.append(int(process.name))
        except OSError:
            continue
    return sorted(found)
