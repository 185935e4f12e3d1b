# /// script
# requires-python = ">=3.11"
# dependencies = ["langchain-openai>=1.7,<2", "pydantic>=2,<3"]
# ///
"""Financial Report Parser, exported from Langflow; needs OPENAI_API_KEY."""

import argparse
from pathlib import Path

from langchain_openai import ChatOpenAI
from pydantic import BaseModel, Field, create_model

# File-NGW2N
READ_FILE_FILES = ["files/report.txt"]

AGENT_INSTRUCTIONS = "You are a financial report parser. Extract the financial metrics defined in the output schema from the provided report. Use ONLY values stated in the document, keeping their currency and units. If a metric is not present, leave it empty - never guess or fabricate numbers."  # Agent-6rJWA

PARSER_PATTERN = """\
## 📊 {COMPANY}

| Metric | Value |
|--------|-------|
| Revenue | {REVENUE} |
| Gross Profit | {GROSS_PROFIT} |
| EBITDA | {EBITDA} |
| Operating Income (EBIT) | {EBIT} |
| Net Income | {NET_INCOME} |
| Net Margin | {NET_MARGIN} |"""  # ParserComponent-n2EXF


class BlankMissing(dict):
    """Fields of a template; a field that is missing is blank."""

    def __missing__(self, key: str) -> str:
        return ""


def records_model(fields: dict, about: str, about_list: str) -> type[BaseModel]:
    """A model of one or more records that have these fields."""
    record = create_model(
        "OutputModel",
        **{
            name: (kind, Field(description=text))
            for name, (kind, text) in fields.items()
        },
    )
    return create_model(
        "OutputModel",
        __doc__=about,
        objects=(list[record], Field(description=about_list, min_length=1)),
    )


def structured_answer(
    llm, model: type[BaseModel], prompt: str, text: str
) -> list[dict]:
    """The records that a model answers with."""
    messages = [("human", text)]
    if prompt:
        messages.insert(0, ("system", prompt))
    answer = llm.with_structured_output(model).invoke(messages)
    return answer.model_dump()["objects"]


def unwrap_records(records: list[dict]) -> dict:
    """The record, or all of them where there are several."""
    return records[0] if len(records) == 1 else {"results": records}


llm = ChatOpenAI(model="gpt-4o-mini")
AGENT_SCHEMA = records_model(
    {
        "EBITDA": (
            str,
            "EBITDA (earnings before interest, taxes, depreciation & amortization)",
        ),
        "NET_INCOME": (str, "Net income / net profit (bottom line)"),
        "GROSS_PROFIT": (str, "Gross profit"),
        "REVENUE": (str, "Total revenue or net sales"),
        "EBIT": (str, "Operating income (EBIT)"),
        "NET_MARGIN": (
            str,
            "Net profit margin as a %, only if explicitly stated in the report",
        ),
        "COMPANY": (str, "Company / organization name"),
    },
    "A list of extracted records.",
    "Every record that matches the schema.",
)


def run(input_value: str = "", *, session_id: str = "default") -> str:
    """Answer a message."""
    read_file_result = "\n\n".join(
        Path(path).read_text(encoding="utf-8") for path in READ_FILE_FILES
    )
    agent_data = unwrap_records(
        structured_answer(llm, AGENT_SCHEMA, AGENT_INSTRUCTIONS, read_file_result),
    )
    return PARSER_PATTERN.format_map(BlankMissing(agent_data))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("input_value", nargs="?", default="")
    print(run(parser.parse_args().input_value))
