"""What a button of the shelves' page does to the arrangement: pure, from (shelves, form) to shelves."""

from collections.abc import Callable, Mapping, Sequence

from botbot.catalog.shelves import TITLES, Plan
from botbot.errors import NotFound, ValidationFailed

Arrangement = list[Plan]
Fields = Mapping[str, str]


def changed(plans: Sequence[Plan], fields: Fields) -> Arrangement:
    """The arrangement after one button was pressed. Raises `ValidationFailed` for a button that isn't there, and
    `NotFound` for a shelf that isn't."""
    action = fields.get("action", "")
    if action == "add":
        return [*plans, _new_shelf(fields)]
    if action == "defaults":
        return []
    if action not in _ON_A_SHELF:
        raise ValidationFailed(fields={"action": "must be one of the page's buttons"})
    at = next((n for n, plan in enumerate(plans) if plan.id == fields.get("shelf")), None)
    if at is None:
        raise NotFound("That shelf is gone. Somebody may have removed it.")
    return _ON_A_SHELF[action](list(plans), at, fields)


def _new_shelf(fields: Fields) -> Plan:
    """The new shelf goes to the end. `what` is a kind, or `category:<slug>:<name>`; a title may be left out."""
    kind, _, rest = fields.get("what", "").partition(":")
    slug, _, name = rest.partition(":")
    title = fields.get("title", "").strip() or TITLES.get(kind) or name or "Chosen by hand"
    return Plan("", kind, title, slug or None)


def _moved(plans: Arrangement, at: int, to: int) -> Arrangement:
    plan = plans.pop(at)
    plans.insert(max(0, to), plan)
    return plans


def _replaced(plans: Arrangement, at: int, plan: Plan) -> Arrangement:
    return [*plans[:at], plan, *plans[at + 1 :]]


def _removed(plans: Arrangement, at: int, fields: Fields) -> Arrangement:
    """The last one stays: an empty arrangement would be the default one again. It can be hidden."""
    if len(plans) == 1:
        raise ValidationFailed("This is the last shelf. Hide it instead, or go back to the usual shelves.")
    return [*plans[:at], *plans[at + 1 :]]


def _picked(plans: Arrangement, at: int, picked: Sequence[str]) -> Arrangement:
    return _replaced(plans, at, plans[at]._replace(picked=tuple(picked)))


def _pick(plans: Arrangement, at: int, fields: Fields) -> Arrangement:
    chosen = fields.get("personality", "")
    return _picked(plans, at, [*(each for each in plans[at].picked if each != chosen), chosen])


def _unpick(plans: Arrangement, at: int, fields: Fields) -> Arrangement:
    return _picked(plans, at, [each for each in plans[at].picked if each != fields.get("personality")])


def _shift_pick(by: int) -> Callable[[Arrangement, int, Fields], Arrangement]:
    def shift(plans: Arrangement, at: int, fields: Fields) -> Arrangement:
        picked, chosen = list(plans[at].picked), fields.get("personality", "")
        if chosen not in picked:
            raise NotFound("That personality isn't on this shelf any more.")
        to = max(0, picked.index(chosen) + by)
        picked.remove(chosen)
        picked.insert(to, chosen)
        return _picked(plans, at, picked)

    return shift


_ON_A_SHELF: dict[str, Callable[[Arrangement, int, Fields], Arrangement]] = {
    "up": lambda plans, at, _: _moved(plans, at, at - 1),
    "down": lambda plans, at, _: _moved(plans, at, at + 1),
    "show": lambda plans, at, _: _replaced(plans, at, plans[at]._replace(is_visible=True)),
    "hide": lambda plans, at, _: _replaced(plans, at, plans[at]._replace(is_visible=False)),
    "rename": lambda plans, at, fields: _replaced(plans, at, plans[at]._replace(title=fields.get("title", ""))),
    "remove": _removed,
    "pick": _pick,
    "unpick": _unpick,
    "pick-up": _shift_pick(-1),
    "pick-down": _shift_pick(1),
}
