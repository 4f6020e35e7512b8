"""What a process may ask of memory is the least that any control group above it allows."""

import pytest

from isthmus.data.room import control_group_limits, memory_of_machine

GROUPS = {
    "version 2, the parent's limit": (
        "0::/job/step\n",
        {"job/memory.max": "1000", "job/step/memory.max": "max", "memory.max": "5000"},
        [1000, 5000],
    ),
    "version 1": (
        "9:cpu:/\n4:memory:/job/step\n0::/\n",
        {"memory/job/step/memory.limit_in_bytes": "700", "memory/memory.limit_in_bytes": "9000"},
        [700, 9000],
    ),
    "a group whose directory is not mounted here": ("0::/elsewhere/job\n", {"memory.max": "42"}, [42]),
    "no limit": ("0::/\n", {"memory.max": "max"}, []),
    "no groups": ("", {}, []),
}


@pytest.mark.parametrize("name", GROUPS)
def test_limits_of_all_groups_above_a_process_are_found(tmp_path, name):
    membership, files, expected = GROUPS[name]
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(membership)
    for path, text in files.items():
        place = tmp_path / "sys/fs/cgroup" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text + "\n")
    assert control_group_limits(tmp_path) == expected


def test_a_system_without_groups_has_the_memory_of_its_machine(tmp_path):
    assert control_group_limits(tmp_path) == []
    assert memory_of_machine() > 2**20
