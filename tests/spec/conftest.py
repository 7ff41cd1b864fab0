"""How much is tried: enough to find what is wrong, on slow machines too."""

from hypothesis import settings

# No deadline: shared cores make a single example slow, and that is no error of the grammar.
settings.register_profile("spec", deadline=None, max_examples=80)
settings.load_profile("spec")
