"""What tests of Ray call: they are left out, with the reason, where Ray is not installed."""

import pytest


@pytest.fixture
def ray():
    return pytest.importorskip("ray", reason="Ray is not installed; pip install 'isthmus[ray]'")
