"""Moving windows in memory."""

from botbot.kit.windows import SECONDS, Windows


def test_so_many_and_no_more_each_key_by_itself() -> None:
    windows = Windows()
    assert [windows.use(key, 2) for key in ("a", "a", "b", "a")] == [True, True, True, False]
    assert [windows.room(key, 2).remaining for key in ("a", "b", "c")] == [0, 1, 2]
    assert 0 < windows.room("a", 2).reset_after_seconds <= SECONDS


def test_what_is_a_minute_old_is_gone_and_its_memory_too() -> None:
    windows = Windows()
    for number in range(100):
        windows.use(number, 1)
    for uses in windows._uses.values():
        uses[0] -= SECONDS
    assert (windows.room(7, 1).remaining, len(windows)) == (1, 100)
    assert windows.use("new", 1)
    assert len(windows) == 1
