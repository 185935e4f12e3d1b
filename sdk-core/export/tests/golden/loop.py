# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "httpx>=0.27,<1",
#     "langchain-core>=1.7,<2",
#     "langchain-openai>=1.7,<2",
#     "pandas>=2,<4",
#     "tabulate>=0.9,<1",
# ]
# ///
"""Research Translation Loop, exported from Langflow; needs OPENAI_API_KEY."""

import argparse
from urllib.parse import quote_plus
from xml.etree import ElementTree

import httpx
import pandas as pd
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI

PARSER_PATTERN = """\
Title: {title}
Summary: {summary}"""  # ParserComponent-V2o48


class BlankMissing(dict):
    """Fields of a template; a field that is missing is blank."""

    def __missing__(self, key: str) -> str:
        return ""


def table_markdown(table: pd.DataFrame, clean: bool = True) -> str:
    """A table as Markdown, one line a row."""
    table = table.replace(r"\r\n?", "\n", regex=True)
    if clean:
        table = table.dropna(how="all").replace(r"^\s*$", "", regex=True)
        table = table.replace(r"\n+", "\n", regex=True)
    table = table.replace(r"^\n+|\n+$", "", regex=True)
    table = table.replace(r"\n", "<br/>", regex=True).replace(r"\|", r"\\|", regex=True)
    return table.to_markdown(index=False)


ATOM = {
    "atom": "http://www.w3.org/2005/Atom",
    "arxiv": "http://arxiv.org/schemas/atom",
}

ARXIV = "http://export.arxiv.org/api/query"


def paper(entry: ElementTree.Element) -> dict:
    """One entry of the answer of arXiv."""

    def text(path: str) -> str | None:
        found = entry.find(path, ATOM)
        return found.text.strip() if found is not None and found.text else None

    links = {
        link.get("rel"): link.get("href") for link in entry.findall("atom:link", ATOM)
    }
    primary = entry.find("arxiv:primary_category", ATOM)
    return {
        "id": text("atom:id"),
        "title": text("atom:title"),
        "summary": text("atom:summary"),
        "published": text("atom:published"),
        "updated": text("atom:updated"),
        "authors": [it.text for it in entry.findall("atom:author/atom:name", ATOM)],
        "arxiv_url": links.get("alternate"),
        "pdf_url": links.get("related"),
        "comment": text("arxiv:comment"),
        "journal_ref": text("arxiv:journal_ref"),
        "primary_category": primary.get("term") if primary is not None else None,
        "categories": [it.get("term") for it in entry.findall("atom:category", ATOM)],
    }


def search_arxiv(query: str, field: str, max_results: int) -> pd.DataFrame:
    """Papers of arXiv, one row a paper."""
    prefix = {"title": "ti:", "abstract": "abs:", "author": "au:", "cat": "cat:"}
    wanted = quote_plus(prefix.get(field, "") + query)
    url = f"{ARXIV}?search_query={wanted}&max_results={max_results}"
    try:
        response = httpx.get(url, timeout=30, follow_redirects=True)
        response.raise_for_status()
        root = ElementTree.fromstring(response.text)
    except (httpx.HTTPError, ElementTree.ParseError) as error:
        return pd.DataFrame([{"error": f"Request error: {error}"}])
    return pd.DataFrame([paper(entry) for entry in root.findall("atom:entry", ATOM)])


llm = ChatOpenAI(model="gpt-4o-mini", temperature=0.1)
prompt = ChatPromptTemplate.from_messages([("human", "{input_value}")])
chain = prompt | llm | StrOutputParser()


def run(input_value: str = "ai", *, session_id: str = "default") -> str:
    """Answer a message."""
    ar_xiv_result = search_arxiv(input_value, "all", 3)
    loop_results = []
    for loop_item in ar_xiv_result.to_dict(orient="records"):
        parser_text = PARSER_PATTERN.format_map(BlankMissing(loop_item))
        answer = chain.invoke({"input_value": parser_text})
        loop_results.append({"text": answer})
    loop_table = pd.DataFrame(loop_results)
    return table_markdown(loop_table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("input_value", nargs="?", default="ai")
    print(run(parser.parse_args().input_value))
