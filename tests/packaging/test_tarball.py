"""The npm tarball, installed into an empty project where there is no Rust toolchain."""

from __future__ import annotations

import gzip
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from docpage import block, fill

from sandbox import ROOT, NodeSandbox, Sandbox
from test_wheel import version

MIB = 1024 * 1024
EXPECTED = r"\S[^\n]* How can I help you\?\n"
IMPORT = "import { LangflowClient } from 'langflow-client';"
TESTING = "import { MockServer } from 'langflow-client/testing';"
PLACES = {
    "'your-workspace-url'": "server.url",
    "'your-api-key'": "server.apiKey",
    "your-flow-id": "hello-flow",
}


def module() -> str:
    """The documented program between the start and the end of a mock server in its process."""
    program = fill(block("javascript"), PLACES).removeprefix(IMPORT)
    start = "const server = await MockServer.start({ seed: 42 });"
    return f"{IMPORT}\n{TESTING}\n{start}{program}\nawait server.stop();\n"


def wrapped(imports: str) -> str:
    """The same where `await` has to stand in a function."""
    program = module().replace(f"{IMPORT}\n{TESTING}\n", "")
    return f"{imports}\nasync function main() {{\n{program}}}\nmain();\n"


def required() -> str:
    """The same with `require`."""
    names = {"LangflowClient": "langflow-client", "MockServer": "langflow-client/testing"}
    return wrapped("\n".join(f"const {{ {one} }} = require('{it}');" for one, it in names.items()))


def test_it_brings_nothing_else(node: NodeSandbox) -> None:
    installed = [file.name for file in (node.folder / "node_modules").iterdir()]
    assert [name for name in installed if not name.startswith(".")] == ["langflow-client"]
    manifest = json.loads((node.folder / "node_modules/langflow-client/package.json").read_text())
    assert manifest["version"] == version()
    assert manifest["license"] == "MIT OR Apache-2.0"
    assert not manifest.get("dependencies")
    assert not {"preinstall", "install", "postinstall"} & set(manifest.get("scripts", {}))


@pytest.mark.parametrize(("name", "text"), [("a.mjs", module()), ("b.cjs", required())])
def test_the_documented_program(node: NodeSandbox, name: str, text: str) -> None:
    node.write(name, text)
    printed = node.node(name)
    assert re.fullmatch(EXPECTED, printed), printed


@pytest.fixture(scope="session")
def typescript(tmp_path_factory: pytest.TempPathFactory, tarball: Path) -> NodeSandbox:
    """A project with the compiler that the package itself is built with."""
    sandbox = NodeSandbox(tmp_path_factory.mktemp("typescript") / "project", tarball)
    manifest = json.loads((ROOT / "bindings-node/package.json").read_text(encoding="utf-8"))
    wanted = manifest["devDependencies"]["typescript"]
    sandbox.npm("install", "--save-dev", f"typescript@{wanted}")
    options = {
        "target": "es2022",
        "module": "nodenext",
        "strict": True,
        "exactOptionalPropertyTypes": True,
        "skipLibCheck": False,
        "lib": ["es2023", "dom"],
        "types": [],
        "outDir": "out",
        "rootDir": ".",
    }
    project = {"compilerOptions": options, "include": ["*.mts", "*.cts"]}
    sandbox.write("tsconfig.json", json.dumps(project))
    sandbox.write("a.mts", module())
    sandbox.write("b.cts", wrapped(f"{IMPORT}\n{TESTING}"))
    sandbox.run("node", "node_modules/typescript/bin/tsc", "-p", ".")
    return sandbox


@pytest.mark.parametrize("name", ["out/a.mjs", "out/b.cjs"])
def test_typescript(typescript: NodeSandbox, name: str) -> None:
    printed = typescript.node(name)
    assert re.fullmatch(EXPECTED, printed), printed


def test_typescript_finds_what_is_wrong(typescript: NodeSandbox) -> None:
    wrong = module().replace("flowId", "flowID")
    project = {"extends": "./tsconfig.json", "include": ["wrong/*.mts"]}
    typescript.write("wrong.json", json.dumps(project))
    typescript.write("wrong/a.mts", wrong)
    with pytest.raises(AssertionError, match="flowID"):
        typescript.run("node", "node_modules/typescript/bin/tsc", "--noEmit", "-p", "wrong.json")


STREAM = f"""
{IMPORT}
{TESTING}
const server = await MockServer.start({{ seed: 42 }});
const client = new LangflowClient({{ baseUrl: server.url, apiKey: server.apiKey }});
const question = {{ flowId: 'hello-flow', inputValue: 'Hello, how are you?' }};
let text = '';
for await (const event of client.streamFlow(question)) {{
  if (event.type === 'token') text += event.text;
}}
console.log(text);
await server.stop();
"""


def test_streams(node: NodeSandbox) -> None:
    node.write("stream.mjs", STREAM)
    assert node.node("stream.mjs") == "I'm doing well, thank you for asking!\n"


BELONGS = re.compile(
    r"package/(package\.json|README\.md|(dist/)?LICENSE-(MIT|APACHE)"
    r"|dist/([\w-]+/)*[\w.-]+\.(js|mjs|cjs|d\.ts|d\.mts|d\.cts|node|wasm)"
    r"|dist/(cjs|esm|wasm|web)/package\.json)"
)


def test_what_is_in_it(tarball: Path) -> None:
    files, texts = [], {}
    with tarfile.open(tarball) as archive:
        for member in archive.getmembers():
            files.append(member.name)
            content = archive.extractfile(member)
            if content and not member.name.endswith((".node", ".wasm")):
                texts[member.name] = content.read().decode()
    assert [name for name in files if not BELONGS.fullmatch(name)] == []
    assert not [name for name in files if re.search(r"(^|/)(tests?|src)/", name)]
    for name in ("LICENSE-MIT", "LICENSE-APACHE"):
        assert any(file.endswith(f"/{name}") for file in files), name
    for name, text in texts.items():
        assert "sourceMappingURL" not in text, name
        assert str(ROOT) not in text, name
        assert "file:///" not in text, name
    manifest = json.loads(texts["package/package.json"])
    for entry in targets(manifest["exports"]):
        assert f"package/{entry.removeprefix('./')}" in files, entry
    assert sum(name.endswith(".node") for name in files) == 1


def targets(exports: object) -> list[str]:
    """The files that `exports` leads to."""
    if isinstance(exports, dict):
        return [entry for inner in exports.values() for entry in targets(inner)]
    return [str(exports)]


# What it is today and must not outgrow unseen. The goal is 3.5 MiB; the mock inside takes the rest.
def test_size(tarball: Path, measure: Callable[[str, int, float], None]) -> None:
    with tarfile.open(tarball) as archive:
        for member in archive.getmembers():
            if member.name.endswith(".node"):
                measure(member.name.rsplit("/", 1)[1], member.size, 6.54 * MIB)


# docs/sizes.md says what keeps it there.
@pytest.mark.parametrize(("name", "most"), [("engine.wasm", 248_500), ("module.js", 241_500)])
def test_what_a_browser_downloads(
    tarball: Path, measure: Callable[[str, int, float], None], name: str, most: int
) -> None:
    with tarfile.open(tarball) as archive:
        content = archive.extractfile(f"package/dist/wasm/{name}")
        assert content
        measure(f"{name}, gzip", len(gzip.compress(content.read(), 9)), most)


def test_the_sandbox_has_no_toolchain(node: Sandbox) -> None:
    found = node.run("sh", "-c", "command -v cargo || command -v rustc || echo none")
    assert found == "none\n"
