class Message:
    """A text as a component passes it on."""

    def __init__(self, text: str = "", **extra):
        self.text = text
        self.data = {"text": text, **extra}

    def get_text(self) -> str:
        return self.text


class Data:
    """An object as a component passes it on."""

    def __init__(self, data: dict | None = None, **fields):
        self.data = {**(data or {}), **fields}

    def get_text(self) -> str:
        return str(self.data.get("text", ""))

    def __getattr__(self, name: str):
        try:
            return self.__dict__["data"][name]
        except KeyError:
            raise AttributeError(name) from None


class Setting:
    """A setting that a component declares: its name and what it is by default."""

    def __init__(self, name: str = "", value="", **_):
        self.name, self.value = name, value


class Component:
    """What a component of Langflow needs of Langflow: settings, status and a log."""

    inputs: tuple = ()
    outputs: tuple = ()
    status = None

    def __init__(self, **settings):
        for setting in self.inputs:
            setattr(self, setting.name, setting.value)
        for name, value in settings.items():
            setattr(self, name, value)

    def log(self, *_, **__) -> None:
        """Langflow shows this in its editor."""
