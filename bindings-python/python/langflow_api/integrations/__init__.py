"""Flows inside other people's frameworks; each module needs its framework and is imported by name.

``langflow_api.integrations.langchain``, ``.langgraph``, ``.fastapi``.
"""
