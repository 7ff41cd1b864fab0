"""The search attributes by which runs are listed. Each is a keyword to Temporal."""

from enum import StrEnum


class SearchAttribute(StrEnum):
    """Their names, as in Temporal's list queries."""

    PROJECT = "Project"
    RUN_NAME = "RunName"
    RUN_STATUS = "RunStatus"
    MODEL = "Model"
