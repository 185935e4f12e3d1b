import re
from urllib.parse import parse_qs, quote_plus, unquote, urlparse

import httpx
import pandas as pd
import requests
from bs4 import BeautifulSoup

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
