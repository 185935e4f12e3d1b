def unwrap_records(records: list[dict]) -> dict:
    """The record, or all of them where there are several."""
    return records[0] if len(records) == 1 else {"results": records}
