import pandas as pd


def answer_rows(
    llm, table: pd.DataFrame, prompt: str, column: str, answer_column: str
) -> pd.DataFrame:
    """Ask a model about every row and keep its answers in a new column."""
    if column not in table.columns:
        raise ValueError(f"Column '{column}' not found in the table")
    system = [("system", prompt)] if prompt else []
    texts = table[column].astype(str)
    answers = llm.batch([[*system, ("human", text)] for text in texts])
    rows = table.to_dict(orient="records")
    return pd.DataFrame(
        [
            {**row, answer_column: answer.content, "batch_index": index}
            for index, (row, answer) in enumerate(zip(rows, answers, strict=True))
        ]
    )
