"""The plugin for pytest, as pytest itself runs it: by its entry point, in a process of its own."""

from __future__ import annotations

import pytest

PASSING = """
    import langflow_api
    import pytest

    def test_a_server_and_a_client(langflow_mock, langflow_client):
        assert langflow_client.run_flow("echo", "Hello!").output == "Hello!"
        langflow_mock.verify(operation="runFlow", count=1)

    @pytest.mark.parametrize("turn", range(8))
    def test_tests_share_nothing(langflow_mock, langflow_client, turn):
        langflow_mock.verify(max=0)
        langflow_client.flows.delete(flow_id="echo")

    LATE = {"kind": "latency", "ms": 1}

    @pytest.mark.mock(faults=["rate_limited", LATE], clock="2026-01-01T00:00Z")
    def test_marked(langflow_mock):
        client = langflow_mock.client(max_retries=0)
        with pytest.raises(langflow_api.RateLimited):
            client.run_flow("echo", "Hi")
        assert client.run_flow("echo", "Hi").output == "Hi"
        assert {it["at"] for it in langflow_mock.requests()} == {"2026-01-01T00:00:00Z"}

    @pytest.mark.mock(seed_flows=False)
    class TestMarkedTwice:
        @pytest.mark.mock(seed=7)
        def test_markers_add_up(self, langflow_mock, langflow_client):
            assert list(langflow_client.flows.list()) == []
            assert langflow_mock.ready["url"] == langflow_mock.url

    def test_shared_first(langflow_mock_session):
        langflow_mock_session.client().flows.delete(flow_id="echo")

    def test_stopped(langflow_mock):
        langflow_mock.stop()
"""


@pytest.mark.parametrize("arguments", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_fixtures_and_marker(pytester: pytest.Pytester, arguments: list[str]) -> None:
    pytester.makepyfile(PASSING)
    result = pytester.runpytest_subprocess("--strict-markers", "-W", "error", *arguments)
    result.assert_outcomes(passed=13)
    result.stdout.no_fnmatch_line("*langflow mock http*")


@pytest.mark.parametrize("arguments", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_a_failed_test_shows_what_came(pytester: pytest.Pytester, arguments: list[str]) -> None:
    pytester.makepyfile(
        """
        import urllib.request

        def test_bad(langflow_mock, langflow_client, langflow_mock_session):
            langflow_client.run_flow("echo", "Hello!")
            try:
                urllib.request.urlopen(f"{langflow_mock.url}/?key={langflow_mock.api_key}")
            except OSError:
                pass
            assert False, langflow_mock.api_key[:3]

        def test_good(langflow_mock, langflow_client):
            langflow_client.run_flow("echo", "Hello!")
        """
    )
    result = pytester.runpytest_subprocess(*arguments)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*langflow mock http://127.0.0.1:*",
            "2 requests, the last of them:",
            "*POST /langflow/api/v1/flows/echo/run -> 200",
            "verdict: *",
            "*secret_in_url: *",
            "*langflow mock http://127.0.0.1:*",
            "*none came",
        ]
    )
    text = result.stdout.str()
    assert text.count("langflow mock http") == 2
    assert "key=lf_admin_" not in text


def test_a_report_for_every_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_good(langflow_client): langflow_client.run_flow('echo', 'Hi')")
    result = pytester.runpytest_subprocess("--mock-report", "-rP")
    result.stdout.fnmatch_lines(["*langflow mock http*", "*flows/echo/run -> 200", "verdict: *"])


def test_a_wrong_marker_is_said(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.mock("rate_limited")
        def test_positional(langflow_mock): ...

        @pytest.mark.mock(sede=7)
        def test_setting(langflow_mock): ...

        @pytest.mark.mock(faults=[{"kind": "reset", "seconds": 3}])
        def test_fault(langflow_mock): ...

        @pytest.mark.mock(clock="soon")
        def test_clock(langflow_mock): ...
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=4)
    result.stdout.fnmatch_lines(["*takes names, as in faults=*", "*unknown field `sede`*"])
    result.stdout.fnmatch_lines(["*UsageError: *test_fault: the marker `mock`: reset: seconds*"])
    result.stdout.fnmatch_lines(["*UsageError: *test_clock: the marker `mock`: freeze: has to be*"])


def test_a_marker_that_would_change_nothing_is_said(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.mock(faults=["rate_limited"])
        def test_shared(langflow_mock_session): ...
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the marker `mock` is for the fixture langflow_mock*"])
