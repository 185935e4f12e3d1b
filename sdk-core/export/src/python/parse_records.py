import json

from pydantic import BaseModel, ValidationError


def parse_records(answer: str, model: type[BaseModel]) -> dict:
    """The record or records in an answer; what does not fit the schema says why."""
    (record,) = model.model_fields["objects"].annotation.__args__
    for at in (at for at, sign in enumerate(answer) if sign in "{["):
        try:
            found, _ = json.JSONDecoder().raw_decode(answer[at:])
            break
        except ValueError:
            continue
    else:
        return {"content": answer, "error": "Try setting an output schema"}
    if isinstance(found, dict) and isinstance(found.get("objects"), list):
        found = found["objects"]
    records = []
    for item in found if isinstance(found, list) else [found]:
        try:
            records.append(record.model_validate(item).model_dump())
        except ValidationError as error:
            records.append({"data": item, "validation_error": str(error)})
    return records[0] if len(records) == 1 else {"results": records}
