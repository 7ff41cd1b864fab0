"""Names for runs that were given none: `brave-heron-4`."""

import random

ADJECTIVES = (
    *("amber", "brave", "brisk", "calm", "clever", "cosy", "crisp", "eager", "fair", "fresh"),
    *("gentle", "golden", "happy", "honest", "jolly", "keen", "kind", "light", "lively", "lucky"),
    *("merry", "mild", "neat", "noble", "plucky", "proud", "quick", "quiet", "rapid", "sharp"),
    *("shiny", "silent", "smart", "smooth", "snug", "solid", "steady", "sunny", "swift", "tidy"),
    *("vivid", "warm", "wise", "witty", "young", "zesty"),
)
NOUNS = (
    *("badger", "beaver", "bison", "crane", "deer", "dolphin", "eagle", "falcon", "ferret"),
    *("finch", "fox", "gecko", "hare", "hawk", "heron", "ibis", "jackal", "jay", "koala"),
    *("lark", "lemur", "lion", "lynx", "marten", "mole", "moose", "newt", "otter", "owl"),
    *("panda", "puffin", "quail", "raven", "robin", "salmon", "seal", "stork", "swan", "tiger"),
    *("toad", "trout", "turtle", "vole", "walrus", "whale", "wren"),
)


def make_up_name(choice: random.Random) -> str:
    """An `adjective-noun-N`."""
    noun = f"{choice.choice(ADJECTIVES)}-{choice.choice(NOUNS)}"
    return f"{noun}-{choice.randint(1, 99)}"
