from __future__ import annotations

import shutil
from pathlib import Path

import langflow
import langflow_api
import pytest
from support import python


def test_the_alias_is_the_package() -> None:
    names = langflow_api.__all__
    assert vars(langflow)["__all__"] == names
    for name in names:
        assert getattr(langflow, name) is getattr(langflow_api, name)
    assert langflow.__file__.endswith("langflow.py")


def test_the_server_package_is_not_shadowed(tmp_path: Path) -> None:
    assert langflow.__file__
    shutil.copy(langflow.__file__, tmp_path)
    server = tmp_path / "langflow"
    server.mkdir()
    (server / "__init__.py").write_text("SERVER = True\n")
    done = python(
        """
        import sys
        sys.path.insert(0, sys.argv[1])
        import langflow
        assert langflow.SERVER
        from langflow_api import Client
        Client("http://127.0.0.1:9", "k")
        """,
        str(tmp_path),
    )
    assert done.returncode == 0, done.stderr


def test_names_are_found_and_others_not() -> None:
    namespace: dict[str, object] = {}
    exec("from langflow_api import *", namespace)
    assert set(langflow_api.__all__) <= set(namespace)
    assert set(dir(langflow_api)) == set(langflow_api.__all__)
    for module in (langflow, langflow_api):
        with pytest.raises(AttributeError, match="Clinet"):
            _ = module.Clinet


def test_every_public_class_has_a_text() -> None:
    for name in langflow_api.__all__:
        value = getattr(langflow_api, name)
        if isinstance(value, type):
            assert value.__doc__, name


def test_left_out_and_none_differ() -> None:
    import copy
    import pickle

    missing = langflow_api.NOT_GIVEN
    assert not missing
    assert repr(missing) == "NOT_GIVEN"
    assert pickle.loads(pickle.dumps(missing)) is copy.deepcopy(missing) is missing
