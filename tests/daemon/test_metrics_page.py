"""docs/operating.md lists exactly the metrics that there are."""

import re
from pathlib import Path

from tfjsd.daemon.activity import Activity
from tfjsd.daemon.metrics import metrics_text

PAGE = Path(__file__).parents[2] / "docs" / "operating.md"


async def test_every_metric_is_on_the_page_with_its_type():
    activity = Activity()
    activity.count("GET /healthz", 200, 0.1)
    pair = {
        "error": None,
        "state": "equal",
        "models": {"known": 1},
        **{key: {} for key in ("pending", "problems", "held", "conflicts", "conflict_copies")},
        "last_seconds": None,
        "passes": 1,
        "applied": {"copy_store": 1},
    }
    text = metrics_text(activity, 0, {"p": pair})
    there = re.findall(r"^# HELP (\w+) \S.*\n# TYPE \1 (\w+)$", text, re.MULTILINE)
    assert len(there) == text.count("# TYPE ") == text.count("# HELP ")
    assert re.findall(r"^\| `(tfjsd_\w+)` \| (\w+) \|", PAGE.read_text(), re.MULTILINE) == there
