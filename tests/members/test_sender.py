import logging

import pytest

from members.sender import LogSender


@pytest.mark.parametrize("language", ["zh", "en", "fr"])
def test_the_screen_shows_the_code_and_the_log_neither_code_nor_number(
    caplog: pytest.LogCaptureFixture, language: str
):
    screen: list[str] = []
    with caplog.at_level(logging.DEBUG):
        LogSender(screen.append).send("+8613812345678", "042917", "青梅", language)
    assert len(screen) == 1
    assert "042917" in screen[0]
    assert "138****5678" in screen[0]
    assert "138****5678" in caplog.text
    assert "042917" not in caplog.text
    assert "13812345678" not in caplog.text


def test_without_a_screen_the_code_is_shown_nowhere(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
):
    with caplog.at_level(logging.DEBUG):
        LogSender().send("+8613812345678", "042917", "青梅", "zh")
    printed = capsys.readouterr()
    assert "042917" not in caplog.text + printed.out + printed.err
