# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "beautifulsoup4>=4.12,<5",
#     "httpx>=0.27,<1",
#     "langchain-core>=1.7,<2",
#     "langchain-openai>=1.7,<2",
#     "langchain>=1.4,<2",
#     "lxml>=5,<7",
#     "pandas>=2,<4",
#     "pydantic>=2,<3",
#     "requests>=2,<3",
# ]
# ///
"""Deep Research Agent, exported from Langflow; needs OPENAI_API_KEY."""

import argparse
import re
from typing import Annotated, Literal
from urllib.parse import parse_qs, quote_plus, unquote, urlparse

import httpx
import pandas as pd
import requests
from bs4 import BeautifulSoup
from langchain.agents import create_agent
from langchain.agents.middleware import ModelCallLimitMiddleware, ToolRetryMiddleware
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import Field

AGENT_INSTRUCTIONS = """\
You are an expert research assistant.

Create a focused research plan that will guide our search.

Format your response exactly as:

RESEARCH OBJECTIVE:
[Clear statement of research goal]

KEY SEARCH QUERIES:
1. [Primary academic search query]
2. [Secondary search query]
3. [Alternative search approach]

SEARCH PRIORITIES:
- [What types of sources to focus on]
- [Key aspects to investigate]
- [Specific areas to explore]"""  # Agent-plan

PROMPT_TEMPLATE = """\


RESEARCH PLAN: {previous_response}

Use Tavily Search to investigate the queries and analyze the findings.
Focus on academic and reliable sources.

Steps:
1. Search using provided queries
2. Analyze search results
3. Verify source credibility
4. Extract key findings

Format findings as:

SEARCH RESULTS:
[Key findings from searches]

SOURCE ANALYSIS:
[Credibility assessment]

MAIN INSIGHTS:
[Critical discoveries]

EVIDENCE QUALITY:
[Evaluation of findings]"""  # Prompt-rQ5Up

# WebSearch-dra
WEB_SEARCH_OPTIONS = {
    "timeout": 5,
    "max_results": 5,
    "max_content_length": 2000,
    "hl": "",
    "gl": "",
    "topic": "",
    "location": "",
}

AGENT_INSTRUCTIONS_2 = "You are a research analyst with access to Tavily Search. Use the search tool to gather accurate, up-to-date information on the user's topic, then synthesize the findings into a concise, well-cited answer."  # Agent-mIgZ5

PROMPT_TEMPLATE_2 = """\
RESEARCH FINDINGS: {search_results}
ORIGINAL QUERY: {input_value}
"""  # Prompt-aHVYv

AGENT_INSTRUCTIONS_3 = """\
You are a research synthesis expert.

Create a comprehensive synthesis and report of our findings.

Format your response as:

EXECUTIVE SUMMARY:
[Key findings and implications]

METHODOLOGY:
- Search Strategy Used
- Sources Analyzed
- Quality Assessment

FINDINGS & ANALYSIS:
[Detailed discussion of discoveries]

CONCLUSIONS:
[Main takeaways and insights]

FUTURE DIRECTIONS:
[Suggested next steps]

IMPORTANT: For each major point or finding, include the relevant source link in square brackets at the end of the sentence or paragraph. For example: "Harvard has developed a solid-state battery that charges in minutes. [Source: https://example.com/article]"
"""  # Agent-synth

DEFAULT_INPUT = "Research the effectiveness of different prompt engineering techniques in controlling AI hallucinations, with focus on real-world applications and empirical studies."  # ChatInput-iYW45


def recent(
    history: list[BaseMessage], limit: int, own: BaseMessage | None = None
) -> list[BaseMessage]:
    """The last messages of a session, without the one that is being answered."""
    return [message for message in history[-limit:] if message is not own]


def ask(agent, text: str, past: list[BaseMessage]) -> str:
    """Let an agent answer and join everything that it said on the way."""
    messages = [*past, HumanMessage(text or "Continue the conversation.")]
    answered = agent.invoke({"messages": messages})["messages"][len(messages) :]
    return "".join(
        message.text for message in answered if isinstance(message, AIMessage)
    )


def table_text(table: pd.DataFrame) -> str:
    """A table as a model sees it when a tool returns one."""
    with pd.option_context("display.max_colwidth", None):
        return str(table).replace("Empty DataFrame", "Empty Table", 1)


NO_RESULTS = {
    "title": "Error",
    "link": "",
    "snippet": "No results found",
    "content": "",
}


def shorten(text: str, limit: int) -> str:
    """At most so many characters; zero is no limit."""
    if not limit or len(text) <= limit:
        return text
    mark = "... [truncated]" if limit >= len("... [truncated]") else "…"
    return text[: limit - len(mark)] + mark


def search_duckduckgo(query: str, options: dict) -> pd.DataFrame:
    """Results of DuckDuckGo with the text of their pages."""
    query = re.sub(r'[<>"\']', "", query.strip())
    if not query:
        raise ValueError("Empty search query")
    headers = {"User-Agent": "Mozilla/5.0 (compatible; exported-flow)"}
    try:
        response = requests.get(
            "https://html.duckduckgo.com/html/",
            params={"q": query, "kl": "us-en"},
            headers=headers,
            timeout=options["timeout"],
        )
        response.raise_for_status()
    except requests.RequestException as error:
        failed = {"title": "Error", "link": "", "snippet": str(error), "content": ""}
        return pd.DataFrame([failed])
    kind = response.headers.get("content-type", "").lower()
    if not response.text or "text/html" not in kind:
        return pd.DataFrame([NO_RESULTS])
    rows = []
    for result in BeautifulSoup(response.text, "html.parser").select("div.result"):
        if options["max_results"] and len(rows) >= options["max_results"]:
            break
        title, snippet = (
            result.select_one(f"a.result__{it}") for it in ("a", "snippet")
        )
        if not title:
            continue
        link = title.get("href", "")
        link = unquote(parse_qs(urlparse(link).query).get("uddg", [""])[0]) or link
        try:
            url = (
                link if link.startswith(("http://", "https://")) else f"https://{link}"
            )
            page = httpx.get(url, headers=headers, timeout=options["timeout"])
            page.raise_for_status()
            link = url
            content = BeautifulSoup(page.text, "lxml").get_text(
                separator=" ", strip=True
            )
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            content = f"(Failed to fetch: {error})"
        rows.append(
            {
                "title": title.get_text(strip=True),
                "link": link,
                "snippet": snippet.get_text(strip=True) if snippet else "",
                "content": shorten(content, options["max_content_length"]),
            }
        )
    return pd.DataFrame(rows)


def feed_rows(content: bytes, options: dict, *, plain: bool) -> list[dict[str, str]]:
    """The entries of an RSS feed."""

    def text(item, name: str, clean: bool = False) -> str:
        tag = item.find(name)
        value = tag.text if tag else ""
        if clean and plain:
            value = BeautifulSoup(value, "html.parser").get_text(" ", strip=True)
        return shorten(value, options["max_content_length"])

    items = BeautifulSoup(content, "xml").find_all("item")
    return [
        {
            "title": text(item, "title", clean=True),
            "link": text(item, "link"),
            "published": text(item, "pubDate"),
            "summary": text(item, "description", clean=True),
        }
        for item in items[: options["max_results"] or None]
    ]


def search_news(query: str, options: dict) -> pd.DataFrame:
    """News of Google News about a topic, a place or a query."""
    language, country = options["hl"] or "en-US", options["gl"] or "US"
    edition = f"hl={language}&gl={country}&ceid={country}:{language.split('-')[0]}"
    base = "https://news.google.com/rss"
    if options["topic"]:
        topic = quote_plus(options["topic"].upper())
        url = f"{base}/headlines/section/topic/{topic}?{edition}"
    elif options["location"]:
        place = quote_plus(options["location"])
        url = f"{base}/headlines/section/geo/{place}?{edition}"
    elif query:
        url = f"{base}/search?q={quote_plus(query)}&{edition}"
    else:
        return news_message("Error", "No search parameters provided")
    try:
        response = requests.get(url, timeout=options["timeout"])
        response.raise_for_status()
    except requests.RequestException as error:
        return news_message("Error", str(error))
    rows = feed_rows(response.content, options, plain=True)
    return pd.DataFrame(rows) if rows else news_message("No articles found", "")


def news_message(title: str, summary: str) -> pd.DataFrame:
    """One row that says why there are no others."""
    row = {"title": title, "link": "", "published": "", "summary": summary}
    return pd.DataFrame([row])


def read_feed(url: str, options: dict) -> pd.DataFrame:
    """The entries of an RSS feed as a table."""
    if not url:
        return news_message("Error", "No RSS URL provided")
    try:
        url = url if url.startswith(("http://", "https://")) else f"https://{url}"
        response = httpx.get(url, timeout=options["timeout"])
        response.raise_for_status()
        if not response.content.strip():
            raise ValueError("Empty response received")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return news_message("Error", str(error))
    columns = ["title", "link", "published", "summary"]
    return pd.DataFrame(
        feed_rows(response.content, options, plain=False), columns=columns
    )


def search_web(query: str, mode: str, options: dict) -> pd.DataFrame:
    """Search the web or the news, or read a feed."""
    if mode == "News":
        return search_news(query, options)
    if mode == "RSS":
        return read_feed(query, options)
    return search_duckduckgo(query, options)


llm = ChatOpenAI(model="gpt-4o-mini")
agent = create_agent(
    llm,
    [],
    system_prompt=AGENT_INSTRUCTIONS,
    middleware=[ModelCallLimitMiddleware(run_limit=15)],
)


@tool(description="Search the web, news, or RSS feeds.")
def perform_search(
    query: Annotated[str, Field(description="Search keywords for news articles.")],
    search_mode: Annotated[
        Literal["Web", "News", "RSS"],
        Field(
            description="Choose search mode: Web (DuckDuckGo), News (Google News), or RSS (Feed Reader)",
        ),
    ] = "Web",
) -> str:
    try:
        return table_text(search_web(query, search_mode, WEB_SEARCH_OPTIONS))
    except Exception as error:  # noqa: BLE001 - the model is told why
        return str(error)


agent_2 = create_agent(
    llm,
    [perform_search],
    system_prompt=AGENT_INSTRUCTIONS_2,
    middleware=[
        ModelCallLimitMiddleware(run_limit=15),
        ToolRetryMiddleware(max_retries=2),
    ],
)
agent_3 = create_agent(
    llm,
    [],
    system_prompt=AGENT_INSTRUCTIONS_3,
    middleware=[ModelCallLimitMiddleware(run_limit=15)],
)
sessions: dict[str, list[BaseMessage]] = {}


def run(input_value: str = DEFAULT_INPUT, *, session_id: str = "default") -> str:
    """Answer a message."""
    history = sessions.setdefault(session_id, [])
    history.append(question := HumanMessage(input_value))
    agent_answer = ask(agent, input_value, recent(history, 100, question))
    prompt_template = PROMPT_TEMPLATE.format(previous_response=agent_answer)
    agent_answer_2 = ask(agent_2, prompt_template, recent(history, 100))
    prompt_template_2 = PROMPT_TEMPLATE_2.format(
        search_results=agent_answer_2,
        input_value=input_value,
    )
    agent_answer_3 = ask(agent_3, prompt_template_2, recent(history, 100))
    history.append(AIMessage(agent_answer_3))
    return agent_answer_3


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("input_value", nargs="?", default=DEFAULT_INPUT)
    print(run(parser.parse_args().input_value))
