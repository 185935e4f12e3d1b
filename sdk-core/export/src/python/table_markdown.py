import pandas as pd


def table_markdown(table: pd.DataFrame, clean: bool = True) -> str:
    """A table as Markdown, one line a row."""
    table = table.replace(r"\r\n?", "\n", regex=True)
    if clean:
        table = table.dropna(how="all").replace(r"^\s*$", "", regex=True)
        table = table.replace(r"\n+", "\n", regex=True)
    table = table.replace(r"^\n+|\n+$", "", regex=True)
    table = table.replace(r"\n", "<br/>", regex=True).replace(r"\|", r"\\|", regex=True)
    return table.to_markdown(index=False)
