import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from worker import faults


def raised(action: object, *args: object) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011
        action(*args)  # type: ignore[operator]
    return caught.value


def test_an_error_of_the_database_names_its_constraint_but_quotes_no_value(
    session: Session,
) -> None:
    session.execute(text("CREATE TEMP TABLE person (phone text CONSTRAINT one_phone UNIQUE)"))
    twice = text("INSERT INTO person VALUES ('+8613800138000'), ('+8613800138000')")
    with pytest.raises(DBAPIError) as caught:
        session.execute(twice)
    described = faults.describe(caught.value)
    assert described.startswith("UniqueViolation 23505 person one_phone")
    assert "13800138000" not in described


@pytest.mark.parametrize(
    "telling",
    [
        "13800138000",
        "+8613800138000",
        "0G4XTQ8M2K7N5PWZ3RJ6",
        "1f0e2c9a-5a53-4b0e-9d5e-0d6a3c1b2f4d",
        "4294967297",
        "138 0013 8000",
        "138-0013-8000",
        "198.51.100.7",
        "somebody@example.cn",
        "0G4XT Q8M2K 7N5PW Z3RJ6",
    ],
)
def test_phones_serials_and_ids_are_masked(telling: str) -> None:
    described = faults.describe(KeyError(f"nothing for {telling} in 3 campaigns"))
    assert telling.strip("+") not in described
    assert "nothing for" in described
    assert "in 3 campaigns" in described


def test_a_description_is_bounded() -> None:
    assert len(faults.describe(ValueError("far too long " * 1000))) < 400


def test_a_mistake_in_the_program_is_never_the_databases_trouble() -> None:
    assert not faults.is_passing(raised(int, "x"))
    assert not faults.is_too_slow(raised(int, "x"))
