class BlankMissing(dict):
    """Fields of a template; a field that is missing is blank."""

    def __missing__(self, key: str) -> str:
        return ""
