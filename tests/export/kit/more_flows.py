#!/usr/bin/env python3
"""more_flows.py [OUT]: makes the flows that no starter is, from the components of a running Langflow.

They are what the starters leave out: If-Else, message history, agents as tools, several tools of
one name, renamed and switched off tools, double brackets, Anthropic, edited and own components.
The Langflow is that of equiv.py, at $EQUIV_LF_PORT.
"""

import copy
import json
import os
import sys
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
PORT = os.environ.get("EQUIV_LF_PORT", "7971")
OPENAI = {"name": "gpt-4o-mini", "provider": "OpenAI", "icon": "OpenAI", "metadata": {}}
CLAUDE = {
    "name": "claude-sonnet-4-5",
    "provider": "Anthropic",
    "icon": "Anthropic",
    "metadata": {},
}

EDITED = """from lfx.custom.custom_component.component import Component
from lfx.io import MessageTextInput, Output
from lfx.schema.message import Message


class Shouter(Component):
    display_name = "Shouter"
    description = "Says it louder."
    inputs = [
        MessageTextInput(name="input_value", display_name="Text"),
        MessageTextInput(name="mark", display_name="Mark", value="!"),
    ]
    outputs = [Output(display_name="Loud", name="text", method="shout")]

    def shout(self) -> Message:
        return Message(text=self.input_value.upper() + self.mark)
"""


def components() -> dict:
    """All components by name, as the editor gets them."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{PORT}/api/v1/all", timeout=120) as answer:
        groups = json.load(answer)
    return {name: node for group in groups.values() for name, node in group.items()}


ALL = components()


class Flow:
    """A flow while it is drawn."""

    def __init__(self, name: str) -> None:
        self.name, self.nodes, self.edges = name, [], []

    def add(self, kind: str, ident: str, *, tool: bool = False, **settings) -> dict:
        """A component with settings."""
        if kind not in ALL:
            kind = next(name for name in ALL if name.split("@")[0].split(":")[-1] == kind)
        node = copy.deepcopy(ALL[kind])
        for field in node["template"].values():
            if isinstance(field, dict) and field.get("_input_type") == "ModelInput":
                field["value"] = [copy.deepcopy(OPENAI)]
        for field, value in settings.items():
            bare = {"name": field, "type": "str"}
            if field == "tools_metadata":
                bare = {**bare, "type": "tools", "_input_type": "ToolsInput"}
                bare |= {"is_list": True, "list": True, "show": True, "required": False}
            node["template"].setdefault(field, bare)
            node["template"][field]["value"] = value
        if tool:
            node["tool_mode"] = True
            node["outputs"] = [
                {
                    "name": "component_as_tool",
                    "display_name": "Toolset",
                    "types": ["Tool"],
                    "selected": "Tool",
                    "method": "to_toolkit",
                    "cache": True,
                    "tool_mode": True,
                    "hidden": None,
                    "value": "__UNDEFINED__",
                    "allows_loop": False,
                    "group_outputs": False,
                    "options": None,
                    "required_inputs": None,
                }
            ]
        data = {"id": ident, "type": kind, "node": node, "showNode": True}
        place = {"x": 300 * len(self.nodes), "y": 0}
        self.nodes.append({"id": ident, "type": "genericNode", "position": place, "data": data})
        return node

    def prompt(self, ident: str, template: str, names: list[str], **settings) -> dict:
        """A prompt with variables."""
        node = self.add("Prompt Template", ident, template=template, **settings)
        node["custom_fields"] = {"template": names}
        for name in names:
            node["template"][name] = {
                "name": name,
                "display_name": name,
                "type": "str",
                "value": settings.get(name, ""),
                "advanced": False,
                "field_type": "str",
                "fileTypes": [],
                "file_path": "",
                "info": "",
                "input_types": ["Message"],
                "list": False,
                "load_from_db": False,
                "multiline": True,
                "placeholder": "",
                "required": False,
                "show": True,
                "title_case": False,
            }
        return node

    def join(self, source: str, output: str, target: str, field: str) -> None:
        """An edge."""
        kinds = {node["id"]: node["data"] for node in self.nodes}
        outputs = kinds[source]["node"]["outputs"]
        types = next((one["types"] for one in outputs if one["name"] == output), ["Message"])
        setting = kinds[target]["node"]["template"][field]
        start = {
            "dataType": kinds[source]["type"],
            "id": source,
            "name": output,
            "output_types": types,
        }
        end = {
            "fieldName": field,
            "id": target,
            "inputTypes": setting.get("input_types") or ["Message"],
            "type": setting.get("type", "str"),
        }
        code = [json.dumps(it, separators=(",", ":")).replace('"', "œ") for it in (start, end)]
        self.edges.append(
            {
                "source": source,
                "target": target,
                "sourceHandle": code[0],
                "targetHandle": code[1],
                "data": {"sourceHandle": start, "targetHandle": end},
                "id": f"xy-edge__{source}{code[0]}-{target}{code[1]}",
            }
        )

    def chat(self) -> None:
        """The chat input and output that most flows have."""
        self.add("ChatInput", "ChatInput-in001")
        self.add("ChatOutput", "ChatOutput-out01")

    def save(self, folder: Path) -> None:
        """The flow as a file."""
        view = {"x": 0, "y": 0, "zoom": 1}
        data = {"nodes": self.nodes, "edges": self.edges, "viewport": view}
        file = {"name": self.name, "description": "", "data": data, "last_tested_version": "1.13.0"}
        text = json.dumps(file, indent=1, ensure_ascii=False) + "\n"
        (folder / f"{self.name}.json").write_text(text, encoding="utf-8")


def tool(name: str, tag: str, about: str, *, status: bool = True, args: dict | None = None) -> dict:
    """What the editor keeps about one tool."""
    return {
        "name": name,
        "description": about,
        "display_name": tag,
        "display_description": about,
        "tags": [tag],
        "status": status,
        "args": args or {},
        "readonly": False,
    }


def if_else(folder: Path) -> None:
    flow = Flow("If-Else")
    flow.chat()
    flow.add("ChatOutput", "ChatOutput-out02")
    flow.add(
        "ConditionalRouter",
        "ConditionalRouter-if001",
        match_text="ALPHA",
        operator="contains",
        case_sensitive=False,
    )
    flow.add("LanguageModelComponent", "LanguageModelComponent-lm01", system_message="Be brief.")
    flow.join("ChatInput-in001", "message", "ConditionalRouter-if001", "input_text")
    flow.join(
        "ConditionalRouter-if001", "true_result", "LanguageModelComponent-lm01", "input_value"
    )
    flow.join("LanguageModelComponent-lm01", "text_output", "ChatOutput-out01", "input_value")
    flow.join("ConditionalRouter-if001", "false_result", "ChatOutput-out02", "input_value")
    flow.save(folder)


def history(folder: Path) -> None:
    flow = Flow("Message History")
    flow.chat()
    flow.add("Memory", "Memory-mem01", n_messages=5)
    flow.prompt("Prompt-p0001", "You know this:\n\n{memory}\n\nBe brief.", ["memory"])
    flow.add("LanguageModelComponent", "LanguageModelComponent-lm01", temperature=0.4)
    flow.join("Memory-mem01", "messages_text", "Prompt-p0001", "memory")
    flow.join("Prompt-p0001", "prompt", "LanguageModelComponent-lm01", "system_message")
    flow.join("ChatInput-in001", "message", "LanguageModelComponent-lm01", "input_value")
    flow.join("LanguageModelComponent-lm01", "text_output", "ChatOutput-out01", "input_value")
    flow.save(folder)


def agent(flow: Flow, ident: str, prompt: str, *, tool: bool = False, **settings) -> dict:
    """An agent without the day, whose requests are the same on every day."""
    day = {"add_current_date_tool": False, **settings}
    return flow.add("Agent", ident, tool=tool, system_prompt=prompt, **day)


def agent_as_tool(folder: Path) -> None:
    flow = Flow("Agent as Tool")
    flow.chat()
    agent(flow, "Agent-main1", "You ask others.", max_iterations=6)
    agent(flow, "Agent-expert", "You are the expert.", tool=True, n_messages=3)
    flow.join("Agent-expert", "component_as_tool", "Agent-main1", "tools")
    flow.join("ChatInput-in001", "message", "Agent-main1", "input_value")
    flow.join("Agent-main1", "response", "ChatOutput-out01", "input_value")
    flow.save(folder)


def one_name(folder: Path) -> None:
    flow = Flow("Tools of One Name")
    flow.chat()
    agent(flow, "Agent-main1", "You read pages for people.")
    for ident in ("URLComponent-one01", "URLComponent-two02"):
        flow.add("URLComponent", ident, tool=True)
        flow.join(ident, "component_as_tool", "Agent-main1", "tools")
    flow.join("ChatInput-in001", "message", "Agent-main1", "input_value")
    flow.join("Agent-main1", "response", "ChatOutput-out01", "input_value")
    flow.save(folder)


def renamed(folder: Path) -> None:
    flow = Flow("Renamed Tools")
    flow.chat()
    agent(flow, "Agent-main1", "You {have} braces.", n_messages=2)
    flow.add(
        "CalculatorComponent",
        "CalculatorComponent-ca01",
        tool=True,
        tools_metadata=[tool("my sums", "evaluate_expression", 'Adds "things" up, {or} not.')],
    )
    flow.add(
        "URLComponent",
        "URLComponent-off01",
        tool=True,
        tools_metadata=[
            tool("fetch_content", "fetch_content", "Off.", status=False),
            tool("fetch_content_as_message", "fetch_content_as_message", "Off too.", status=False),
        ],
    )
    for ident in ("CalculatorComponent-ca01", "URLComponent-off01"):
        flow.join(ident, "component_as_tool", "Agent-main1", "tools")
    flow.join("ChatInput-in001", "message", "Agent-main1", "input_value")
    flow.join("Agent-main1", "response", "ChatOutput-out01", "input_value")
    flow.save(folder)


def brackets(folder: Path) -> None:
    flow = Flow("Double Brackets")
    flow.chat()
    flow.prompt(
        "Prompt-p0001",
        'Return {"a": "{{topic}}", "b": {{question}} } & "quotes" <b>.',
        ["topic", "question"],
        use_double_brackets=True,
        topic="R&D {x}",
    )
    flow.add("LanguageModelComponent", "LanguageModelComponent-lm01", max_tokens=64)
    flow.join("ChatInput-in001", "message", "Prompt-p0001", "question")
    flow.join("Prompt-p0001", "prompt", "LanguageModelComponent-lm01", "input_value")
    flow.join("LanguageModelComponent-lm01", "text_output", "ChatOutput-out01", "input_value")
    flow.save(folder)


def anthropic(folder: Path) -> None:
    flow = Flow("Anthropic Models")
    flow.chat()
    flow.add(
        "LanguageModelComponent",
        "LanguageModelComponent-lm01",
        model=[copy.deepcopy(CLAUDE)],
        system_message="Rewrite the question.",
        api_key="ANTHROPIC_API_KEY",
    )
    agent(
        flow, "Agent-main1", "Answer.", model=[copy.deepcopy(CLAUDE)], api_key="ANTHROPIC_API_KEY"
    )
    flow.add("CalculatorComponent", "CalculatorComponent-ca01", tool=True)
    for node in flow.nodes:
        key = node["data"]["node"]["template"].get("api_key")
        if key and key.get("value") == "ANTHROPIC_API_KEY":
            key["load_from_db"] = True
    flow.join("ChatInput-in001", "message", "LanguageModelComponent-lm01", "input_value")
    flow.join("LanguageModelComponent-lm01", "text_output", "Agent-main1", "input_value")
    flow.join("CalculatorComponent-ca01", "component_as_tool", "Agent-main1", "tools")
    flow.join("Agent-main1", "response", "ChatOutput-out01", "input_value")
    flow.save(folder)


def edited(folder: Path) -> None:
    flow = Flow("Edited Component")
    flow.chat()
    node = flow.add("TextInput", "TextInput-ed001", mark="?!", input_value="")
    node["template"]["code"]["value"] = EDITED
    node["edited"] = True
    node["template"]["mark"] = {
        **copy.deepcopy(node["template"]["input_value"]),
        "name": "mark",
        "display_name": "Mark",
        "value": "?!",
        "_input_type": "MessageTextInput",
    }
    node["outputs"][0].update(name="text", method="shout", types=["Message"])
    flow.add("LanguageModelComponent", "LanguageModelComponent-lm01", temperature=0)
    flow.join("ChatInput-in001", "message", "TextInput-ed001", "input_value")
    flow.join("TextInput-ed001", "text", "LanguageModelComponent-lm01", "input_value")
    flow.join("LanguageModelComponent-lm01", "text_output", "ChatOutput-out01", "input_value")
    flow.save(folder)


def limits(folder: Path) -> None:
    flow = Flow("Agent at its Limit")
    flow.chat()
    agent(
        flow,
        "Agent-main1",
        "Sums.",
        max_iterations=2,
        n_messages=2,
        add_calculator_tool=True,
        handle_parsing_errors=False,
        max_tokens=100,
    )
    flow.join("ChatInput-in001", "message", "Agent-main1", "input_value")
    flow.join("Agent-main1", "response", "ChatOutput-out01", "input_value")
    flow.save(folder)


def provider_model(folder: Path) -> None:
    flow = Flow("OpenAI Component")
    flow.chat()
    node = flow.add(
        "OpenAIModelComponent",
        "OpenAIModel-oa001",
        system_message="Return JSON with 'answer'.",
        json_mode=True,
        temperature=0.3,
        max_tokens=50,
        seed=7,
        api_key="OPENAI_API_KEY",
    )
    node["template"]["api_key"]["load_from_db"] = True
    flow.join("ChatInput-in001", "message", "OpenAIModel-oa001", "input_value")
    flow.join("OpenAIModel-oa001", "text_output", "ChatOutput-out01", "input_value")
    flow.save(folder)


def stringify(folder: Path) -> None:
    flow = Flow("Tables as Text")
    flow.chat()
    flow.add("SQLComponent", "SQLComponent-sq001", database_url="sqlite:///files/plans.db")
    flow.nodes[-1]["data"]["node"]["template"]["query"]["value"] = "SELECT name, price FROM plans"
    flow.add("ParserComponent", "ParserComponent-st01", mode="Stringify")
    flow.add("ParserComponent", "ParserComponent-ro01", pattern="{name}: {price}", sep=" / ")
    flow.prompt("Prompt-p0001", "{table}\n\n{rows}\n\n{question}", ["table", "rows", "question"])
    flow.add("LanguageModelComponent", "LanguageModelComponent-lm01")
    for ident in ("ParserComponent-st01", "ParserComponent-ro01"):
        flow.join("SQLComponent-sq001", "run_sql_query", ident, "input_data")
    flow.join("ParserComponent-st01", "parsed_text", "Prompt-p0001", "table")
    flow.join("ParserComponent-ro01", "parsed_text", "Prompt-p0001", "rows")
    flow.join("ChatInput-in001", "message", "Prompt-p0001", "question")
    flow.join("Prompt-p0001", "prompt", "LanguageModelComponent-lm01", "input_value")
    flow.join("LanguageModelComponent-lm01", "text_output", "ChatOutput-out01", "input_value")
    flow.save(folder)


def main() -> None:
    """All of them."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else HERE / "more")
    folder.mkdir(exist_ok=True)
    makers = [if_else, history, agent_as_tool, one_name, renamed, brackets]
    makers += [anthropic, edited, limits, provider_model, stringify]
    for make in makers:
        try:
            make(folder)
        except Exception as error:
            print(f"{make.__name__}: {type(error).__name__}: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
