"""How much is tried: enough to find what is wrong, on slow machines too."""

from hypothesis import settings

# No deadline: shared cores make a single example slow, and that is no error of a decision.
settings.register_profile("policy", deadline=None, max_examples=80)
settings.load_profile("policy")
