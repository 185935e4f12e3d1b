from pydantic import BaseModel, Field, create_model


def records_model(fields: dict, about: str, about_list: str) -> type[BaseModel]:
    """A model of one or more records that have these fields."""
    record = create_model(
        "OutputModel",
        **{
            name: (kind, Field(description=text))
            for name, (kind, text) in fields.items()
        },
    )
    return create_model(
        "OutputModel",
        __doc__=about,
        objects=(list[record], Field(description=about_list, min_length=1)),
    )
