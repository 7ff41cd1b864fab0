"""Numbers as people read them: sizes of files, ages."""

from datetime import datetime

KILO = 1024


def describe_size(size: float) -> str:
    """Bytes in the largest unit that leaves a digit before the point: `1.2 MB`."""
    units = iter(("B", "KB", "MB", "GB"))
    unit = next(units)
    while size >= KILO and unit != "GB":
        size, unit = size / KILO, next(units)
    return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"


def describe_age(moment: datetime, now: datetime) -> str:
    """How long ago: `now`, `5 mins ago`, `3 weeks ago`."""
    seconds = (now - moment).total_seconds()
    if seconds < 5:
        return "now"
    for size, unit in ((604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "min")):
        count = int(seconds // size)
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return f"{int(seconds)} sec ago"
