import time
from collections.abc import Callable

import pytest

from identity import password
from identity.errors import BadPassword, CommonPassword


def test_only_the_password_itself_fits_its_hash():
    stored = password.hash("plums in november")
    assert password.verify(stored, "plums in november")
    assert not password.verify(stored, "plums in November")
    assert not password.is_outdated(stored)


def test_full_width_digits_of_an_input_method_are_the_same_password():
    assert password.verify(password.hash("plums ９５７ for ４１"), "plums 957 for 41")


def test_nothing_fits_a_login_that_is_not_there():
    assert not password.verify(None, "")
    assert not password.verify(None, "plums in november")


def test_what_is_no_text_or_too_long_fits_nothing():
    stored = password.hash("plums in november")
    assert not password.verify(stored, "plums\ud800")
    assert not password.verify(stored, "x" * 100_000)


def test_a_hash_made_with_other_costs_still_fits_and_is_known_to_be_old():
    cheap = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$2+dKuxSIE0HTl4CiBdIfLA"
    assert password.is_outdated(cheap)
    assert not password.verify("no hash at all", "plums in november")


def test_an_unknown_login_costs_as_much_work_as_a_wrong_password():
    stored = password.hash("plums in november")
    password.verify(None, "a wrong guess")
    known = _quickest_seconds(lambda: password.verify(stored, "a wrong guess"))
    unknown = _quickest_seconds(lambda: password.verify(None, "a wrong guess"))
    assert unknown > known / 2


def _quickest_seconds(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(5):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


@pytest.mark.parametrize(
    "common",
    ["adminadmin", "1234567890", "qwertyuiop", "password123", "aaaaaaaaaaaa", "mei@yima.example"],
)
def test_what_is_guessed_first_is_refused(common: str):
    with pytest.raises(CommonPassword):
        password.hash(common, "mei@yima.example")


@pytest.mark.parametrize("strange", ["\0" * 12, "plums\x07in november", "plums in\u200bnovember"])
def test_what_can_not_be_seen_is_no_password(strange: str):
    with pytest.raises(BadPassword):
        password.hash(strange)
