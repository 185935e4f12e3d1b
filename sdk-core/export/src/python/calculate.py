import ast
import operator

OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def evaluate(node: ast.AST) -> float:
    """The value of an arithmetic expression."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, int | float):
            return float(node.value)
        raise TypeError(f"Unsupported constant type: {type(node.value).__name__}")
    if isinstance(node, ast.BinOp):
        if type(node.op) not in OPERATORS:
            raise TypeError(f"Unsupported binary operator: {type(node.op).__name__}")
        return OPERATORS[type(node.op)](evaluate(node.left), evaluate(node.right))
    raise TypeError(f"Unsupported operation or expression type: {type(node).__name__}")


def calculate(expression: str) -> dict[str, str]:
    """The result of an expression, or what is wrong with it."""
    try:
        value = float(evaluate(ast.parse(expression, mode="eval").body))
    except ZeroDivisionError:
        return {"error": "Error: Division by zero", "input": expression}
    except (SyntaxError, TypeError, ValueError, OverflowError) as error:
        return {"error": f"Invalid expression: {error}", "input": expression}
    return {"result": f"{value:.6f}".rstrip("0").rstrip(".")}
