import pandas as pd
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError


def query_database(url: str, query: str) -> pd.DataFrame:
    """The rows that a query yields."""
    try:
        with create_engine(url).begin() as connection:
            rows = connection.execute(text(query)).fetchall()
    except SQLAlchemyError as error:
        message = f"An error occurred while running the SQL Query: {error}"
        raise ValueError(message) from error
    return pd.DataFrame([row._asdict() for row in rows])
