# /// script
# requires-python = ">=3.11"
# dependencies = ["langchain-core>=1.7,<2", "langchain-openai>=1.7,<2"]
# ///
"""Basic Prompting, exported from Langflow; needs OPENAI_API_KEY."""

import argparse

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI

SYSTEM_MESSAGE = "Answer the user as if you were a GenAI expert, enthusiastic about helping them get started building something fresh."  # Prompt-t2oaK

llm = ChatOpenAI(model="gpt-4o-mini", temperature=0.1)
prompt = ChatPromptTemplate.from_messages(
    [("system", SYSTEM_MESSAGE), ("human", "{input_value}")],
)
chain = prompt | llm | StrOutputParser()


def run(input_value: str = "Hello", *, session_id: str = "default") -> str:
    """Answer a message."""
    return chain.invoke({"input_value": input_value})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("input_value", nargs="?", default="Hello")
    print(run(parser.parse_args().input_value))
