"""What is measured against what, and the goals."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Goal:
    """`who` takes at most `factor` times the CPU (or the `wall` time) of `than`."""

    who: str
    than: str
    factor: float
    metric: str = "cpu"

    def __str__(self) -> str:
        what = "" if self.metric == "cpu" else f", {self.metric} time"
        if self.factor >= 1:
            return f"{self.who} <= {self.factor:g}x {self.than}{what}"
        return f"{self.who} <= 1/{1 / self.factor:g} of {self.than}{what}"


@dataclass(frozen=True)
class Case:
    """Contenders that do the same job; the figure is the CPU time of one unit (call or token)."""

    name: str
    unit: str
    who: tuple[str, ...]
    job: dict[str, object]
    goals: tuple[Goal, ...] = field(default=())
    # At most so many rounds, where one is long.
    rounds: int = 99


def job(case: str, flow: str, calls: int, at_once: int = 1) -> dict[str, object]:
    return {"case": case, "flow": flow, "calls": calls, "at_once": at_once}


CASES = (
    Case(
        "a call, one after another",
        "call",
        (
            "hyper",
            "reqwest",
            "client",
            "langflow-api",
            "httpx",
            "requests",
            "langflow-sdk",
            "langflow-client",
            "undici",
            "fetch",
            "datastax",
        ),
        job("call", "hello", 2000),
        (
            Goal("client", "reqwest", 1.15),
            Goal("langflow-api", "hyper", 3),
            Goal("langflow-api", "langflow-sdk", 0.1),
            Goal("langflow-client", "hyper", 4),
            Goal("langflow-client", "undici", 0.5),
        ),
    ),
    Case(
        "a call, 64 at once",
        "call",
        (
            "hyper",
            "reqwest",
            "client",
            "langflow-api-async",
            "aiohttp",
            "httpx-async",
            "langflow-client",
            "undici",
            "fetch",
            "datastax",
        ),
        job("call", "hello", 1280, 64),
        (
            Goal("langflow-api-async", "hyper", 4),
            Goal("langflow-api-async", "aiohttp", 1 / 3),
            Goal("langflow-client", "hyper", 4),
            Goal("langflow-client", "undici", 0.5),
        ),
    ),
    Case(
        "a token of a stream, one event a write",
        "token",
        ("hyper", "reqwest", "client", "langflow-api", "langflow-api-async", "langflow-client"),
        job("stream", "tokens-2000-1", 3),
        (
            Goal("langflow-api", "hyper", 2),
            Goal("langflow-api-async", "hyper", 2),
            Goal("langflow-client", "hyper", 3),
        ),
    ),
    Case(
        "a token of a stream, 50 events a write",
        "token",
        ("hyper", "reqwest", "client", "langflow-api", "langflow-api-async", "langflow-client"),
        job("stream", "tokens-5000-50", 3),
    ),
    Case(
        "run_many: 10,000 runs, 64 at a time",
        "run",
        ("hyper", "reqwest", "client", "langflow-api"),
        job("many", "hello", 10_000, 64),
        # 0.8 of the throughput.
        (Goal("client", "reqwest", 1.25, "wall"), Goal("langflow-api", "reqwest", 1.25, "wall")),
        rounds=3,
    ),
)
