import re
from urllib.parse import urljoin, urlparse

import httpx
import pandas as pd
from bs4 import BeautifulSoup


def fetch_page(
    url: str, headers: dict[str, str], options: dict
) -> httpx.Response | None:
    """One page; nothing where it cannot be had and that is no reason to stop."""
    try:
        response = httpx.get(
            url,
            headers=headers,
            timeout=options["timeout"],
            follow_redirects=options["follow_redirects"],
        )
        if options["check_response_status"]:
            response.raise_for_status()
    except httpx.HTTPError:
        if options["continue_on_failure"]:
            return None
        raise
    kind = response.headers.get("content-type", "").lower()
    return None if options["filter_text_html"] and "text/css" in kind else response


def crawl(
    url: str, headers: dict[str, str], options: dict, seen: set, depth: int
) -> list:
    """A page and, as deep as asked for, the pages that it leads to."""
    if depth >= options["max_depth"] or url in seen:
        return []
    seen.add(url)
    response = fetch_page(url, headers, options)
    if response is None or not response.text:
        return []
    base = str(response.url)
    seen.add(base)
    soup = BeautifulSoup(response.text, "lxml")
    about = soup.find("meta", attrs={"name": "description"})
    text = response.text if options["format"] == "HTML" else soup.get_text()
    text = re.sub(r"^\s*$", "", text, flags=re.MULTILINE)
    pages = [
        {
            "text": re.sub(r"\n{3,}", "\n\n", text),
            "url": base,
            "title": (soup.title.string or "") if soup.title else "",
            "description": (about.get("content") or "") if about else "",
            "content_type": response.headers.get("content-type", "").lower(),
            "language": (soup.html.get("lang") or "") if soup.html else "",
        }
    ]
    if depth + 1 < options["max_depth"]:
        for link in soup.find_all("a", href=True):
            target = urljoin(base, link["href"])
            inside = urlparse(target).netloc == urlparse(base).netloc
            if target.startswith("http") and (inside or not options["prevent_outside"]):
                pages += crawl(target, headers, options, seen, depth + 1)
    return pages


def fetch_pages(
    urls: list[str], headers: dict[str, str], options: dict
) -> pd.DataFrame:
    """The text of web pages, one row a page."""
    wanted = [url.strip() for url in urls if url.strip()]
    wanted = [
        url if url.startswith(("http://", "https://")) else f"https://{url}"
        for url in wanted
    ]
    if not wanted:
        raise ValueError("Error loading documents: No valid URLs provided.")
    pages: list[dict] = []
    for url in dict.fromkeys(wanted):
        pages += crawl(url, headers, options, set(), 0)
    if not pages:
        reason = "No documents were successfully loaded from any URL"
        raise ValueError(f"Error loading documents: {reason}")
    return pd.DataFrame(pages)
