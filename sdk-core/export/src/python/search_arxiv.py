from urllib.parse import quote_plus
from xml.etree import ElementTree

import httpx
import pandas as pd

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
