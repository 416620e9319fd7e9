"""What arms of one job share is made once, as long as it is asked for in turn."""

from funnel.scenario.memory import KEPT, Memory


def asked(keys: str, kind: str) -> str:
    """The keys that had to be made when they were asked for in this order."""
    memory, made = Memory(), []

    def make(key: str) -> str:
        made.append(key)
        return key.upper()

    assert [memory.once(kind, key, lambda key=key: make(key)) for key in keys] == list(keys.upper())
    return "".join(made)


def test_what_was_asked_for_last_stays():
    assert asked("aaba", "sheet") == "aba"
    assert KEPT["predicted"] == 3
    assert asked("labldlel", "predicted") == "labde"  # the late one is asked for every time and stays


def test_kinds_do_not_push_each_other_out():
    memory = Memory()
    for kind in ("sheet", "world"):
        memory.once(kind, "a", lambda kind=kind: kind)
    assert memory.once("sheet", "a", lambda: "made again") == "sheet"


def test_what_is_cleared_is_made_again():
    memory, made = Memory(), []
    for _ in range(2):
        memory.once("world", "a", lambda: made.append("a"))
        memory.clear()
    assert made == ["a", "a"]
