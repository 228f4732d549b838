"""`python -m supportdesk.bench.side MODULE:FUNCTION JSON`: one side of a bar in a process of its own.

The function takes what the JSON says and gives a function that answers requests. Requests and answers are lines of JSON; whatever else
this process writes goes to stderr.
"""

import json
import os
import sys
from importlib import import_module
from itertools import chain

import django


def main() -> None:
    """Open the side, say so, answer until the requests end."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    module, _colon, function = sys.argv[1].partition(":")
    django.setup()
    answer = getattr(import_module(module), function)(**json.loads(sys.argv[2]))
    for told in chain([getattr(answer, "about", {})], (answer(**json.loads(line)) for line in sys.stdin)):
        answers.write(json.dumps(told) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
