"""`python -P -m api`: the public API, the internal API, and the Temporal UI's sign-in."""

from perdure.program import leave, serve

if __name__ == "__main__":
    leave(serve("api.process", "api"))
