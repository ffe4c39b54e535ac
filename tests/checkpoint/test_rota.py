"""The rota as a document has it."""

import json

import pytest
from pydantic import ValidationError

from gateway.checkpoint.rota import RotaEntries, Shift, check_posts, rota


def entries(*shifts: dict[str, object]) -> RotaEntries:
    whole = [
        {
            "name": f"s{number}",
            "from": "08:00",
            "to": "16:00",
            "post": "table",
            "badges": ["c/wang"],
        }
        | each
        for number, each in enumerate(shifts)
    ]
    return RotaEntries.model_validate_json(json.dumps({"shifts": whole}))


def test_subjects_become_tokens_and_times_become_minutes() -> None:
    document = entries({}, {"from": "22:00", "to": "06:30", "badges": ["c/li", "c/zhao"]})
    assert rota(document, {"table"}, lambda subject: f"token of {subject}") == (
        Shift("s0", "table", 480, 480, frozenset({"token of c/wang"})),
        Shift("s1", "table", 1320, 510, frozenset({"token of c/li", "token of c/zhao"})),
    )


@pytest.mark.parametrize(("begins", "ends"), [("08:00", "08:00"), ("00:00", "24:00")])
def test_a_shift_may_be_all_day(begins: str, ends: str) -> None:
    [shift] = rota(entries({"from": begins, "to": ends}), {"table"}, str)
    assert shift.minutes == 24 * 60


@pytest.mark.parametrize(
    ("shifts", "problem"),
    [
        (({}, {"from": "15:59", "to": "20:00"}), "at table s0 and s1 are at the same time"),
        (({}, {"name": "s0", "from": "16:00", "to": "20:00"}), "two shifts at table are called s0"),
        (({"from": "8:00"},), "String should match pattern"),
        (({"badges": []},), "at least 1 item"),
        (({"badges": ["staff-0017"]},), "should match pattern"),
        (({"badge": "x"},), "Extra inputs are not permitted"),
    ],
)
def test_what_cannot_be_is_refused(shifts: tuple[dict[str, object], ...], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        entries(*shifts)


def test_a_post_that_does_not_exist_is_named() -> None:
    with pytest.raises(ValueError, match=r"^s0: no post is called table; there are: gate, lodge$"):
        check_posts(entries({}), {"lodge", "gate"})


def test_of_a_post_that_is_gone_nothing_counts_and_of_the_others_everything() -> None:
    document = entries({}, {"post": "lodge"})
    assert [each.post for each in rota(document, {"lodge"}, str)] == ["lodge"]
