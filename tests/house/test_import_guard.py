"""The web process stays light: no model, no vector index, no classifier is loaded by serving pages."""

import json
import subprocess
import sys
from pathlib import Path

from tests.house.tracked import ROOT

HEAVY = ("langchain", "langgraph", "langsmith", "chromadb", "sklearn", "scipy")
PROBE = """
import json, sys
from supportdesk.asgi import application
from django.urls import get_resolver

def walk(patterns):
    count = 0
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            count += walk(pattern.url_patterns)
        else:
            assert callable(pattern.callback), pattern
            count += 1
    return count

resolved = walk(get_resolver().url_patterns)
heads = {name.partition(".")[0] for name in sys.modules}
print(json.dumps({"resolved": resolved, "loaded": sorted(heads)}))
"""


def test_the_web_process_loads_no_model_and_no_vector_index():
    done = subprocess.run([sys.executable, "-c", PROBE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert told["resolved"] > 20
    assert [name for name in told["loaded"] if name.startswith(HEAVY)] == []


def test_the_demo_shop_is_one_process_of_the_standard_library(tmp_path: Path):
    """It runs as a script from any folder, with nothing but Python."""
    shop = ROOT / "supportdesk" / "demo" / "shop" / "server.py"
    done = subprocess.run([sys.executable, "-I", "-S", str(shop), "--help"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
