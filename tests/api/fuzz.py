"""The API's document against the API itself: schemathesis over the real WSGI application, with real rows behind it."""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.generation import GenerationMode

# Business rules go beyond the document: an address may be well formed and still be refused.
LEFT_OUT = {"positive_data_acceptance"}
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


@dataclass
class Fuzzer:
    """Calls operations through schemathesis and remembers what came of it."""

    failures: list[str] = field(default_factory=list)
    statuses: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    known: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        # Loaded as a dict, spoken to as a WSGI application: no port, no network.
        self.schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
        self.operations = {found.ok().definition.raw["operationId"]: found.ok() for found in self.schema.get_all_operations()}
        self.excluded = [check for check in schemathesis.checks.CHECKS.get_all() if check.__name__ in LEFT_OUT]
        assert self.excluded
        self.patterns = [
            (name, operation.method.upper(), re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", operation.path) + "$"))
            for name, operation in self.operations.items()
        ]

    def send(self, key: str, method: str, path: str, body: Any) -> Any:
        """One call as a test wants it, checked against the document; what its address named is remembered as real."""
        address, _mark, query = path.partition("?")
        for name, of, pattern in self.patterns:
            if of == method and (found := pattern.match(f"/api/v1/{address}")):
                named = found.groupdict()
                for each, value in named.items():
                    self.known[self._kind(name, each)].append(value)
                sent: dict[str, Any] = {} if body is None else {"body": body, "media_type": "application/json"}
                parameters = dict(pair.split("=", 1) for pair in query.split("&")) if query else {}
                return self.call(name, self.operations[name].Case(path_parameters=named, query=parameters, **sent), key)
        raise AssertionError(f"no operation for {method} {path}")

    @staticmethod
    def _kind(name: str, parameter: str) -> str:
        """Ids of different things are all called id."""
        return f"{name}.id" if parameter == "id" else parameter

    def call(self, name: str, case: Any, key: str) -> Any:
        """Send it, and check the answer with every check that makes sense."""
        headers = {"Authorization": f"Bearer {key}"}
        response = case.call(headers=headers)
        self.statuses[name][response.status_code] += 1
        try:
            case.validate_response(response, excluded_checks=self.excluded, headers=headers)
        except (Failure, FailureGroup) as found:
            told = "; ".join(str(each) for each in getattr(found, "exceptions", [found]))
            self.failures.append(f"{name} {response.status_code}: {told}\n{case.as_curl_command()}")
        return response

    def fuzz(self, key: str, *, examples: int, only: Collection[str] = ()) -> None:
        """Valid and invalid requests for every operation (or the named ones), half of them about rows that are there."""
        chance = random.Random(1)
        for name, operation in self.operations.items():
            if not only or name in only:
                for mode in MODES:
                    self._fuzz(name, operation, mode, key, examples, chance)

    def _fuzz(self, name: str, operation: Any, mode: GenerationMode, key: str, examples: int, chance: random.Random) -> None:
        @seed(1)
        @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
        @given(case=operation.as_strategy(generation_mode=mode))
        def one(case: Any) -> None:
            for parameter in case.path_parameters or {}:
                real = self.known[self._kind(name, parameter)]
                if real and chance.random() < 0.5 and mode is GenerationMode.POSITIVE:
                    case.path_parameters[parameter] = chance.choice(real)
            self.call(name, case, key)

        one()

    @property
    def calls(self) -> int:
        """How many requests were sent."""
        return sum(sum(counts.values()) for counts in self.statuses.values())

    @property
    def never_succeeded(self) -> list[str]:
        """Operations that no recorded call brought to a 2xx."""
        return sorted(name for name in self.operations if not any(200 <= status < 300 for status in self.statuses[name]))
