"""What an API process counts."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter(
    "perdure_api_requests",
    "Requests that were answered, by the route's template.",
    ["method", "route", "status"],
)
SECONDS = Histogram(
    "perdure_api_duration_seconds",
    "From the head of a request to the end of its answer; a stream lasts for as long as it is "
    "followed.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
IN_FLIGHT = Gauge("perdure_api_in_flight", "Requests that are being answered.")
