import pandas as pd


def table_text(table: pd.DataFrame) -> str:
    """A table as a model sees it when a tool returns one."""
    with pd.option_context("display.max_colwidth", None):
        return str(table).replace("Empty DataFrame", "Empty Table", 1)
