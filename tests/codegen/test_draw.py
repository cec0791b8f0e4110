import io
import re

import numpy as np
import numpy.typing as npt
import pytest
import segno
import zxingcpp
from PIL import Image

from codegen import draw, issue, link, serial
from codegen.errors import UndrawableText

KEYS = serial.derive(0xC0DE5, bytes(range(32)))
LONG = link.prefix("yima.exampl", "06901234567892")
SHORT = link.prefix("yima.test", None)


def urls(prefix: str, count: int) -> list[str]:
    pieces = issue.serials(KEYS, 0, count)
    return [prefix + text for piece in pieces for text in piece.astype(str).tolist()]


def read(pixels: npt.NDArray[np.uint8]) -> str:
    found = zxingcpp.read_barcode(pixels)
    assert found is not None
    return found.text


def pixels_of(modules: npt.NDArray[np.bool_], scale: int = 4) -> npt.NDArray[np.uint8]:
    light = np.pad(~modules, draw.QUIET_ZONE_MODULES, constant_values=True)
    return (light.repeat(scale, axis=0).repeat(scale, axis=1) * 255).astype(np.uint8)


def test_each_of_a_thousand_codes_decodes_to_its_own_url() -> None:
    written = urls(LONG, 500) + urls(SHORT, 500)
    assert [read(pixels_of(draw.matrix(url))) for url in written] == written


@pytest.mark.parametrize(
    ("prefix", "characters", "version"),
    [
        (LONG, 61, "3-M"),
        (SHORT, 38, "2-M"),
        (link.prefix("yima.exampl", "06901234567892", "lower"), 61, "4-M"),
    ],
    ids=["long", "short", "lower case"],
)
def test_each_form_of_url_fits_its_version(prefix: str, characters: int, version: str) -> None:
    for url in urls(prefix, 20):
        assert len(url) == characters
        second_opinion = segno.make_qr(url, error="m", boost_error=False)
        assert second_opinion.designator == version
        assert len(draw.matrix(url)) == len(second_opinion.matrix)


@pytest.mark.parametrize("text", [*urls(SHORT, 3), "HTTPS://" + "Z" * 53])
def test_the_symbol_is_the_one_a_second_encoder_draws(text: str) -> None:
    """Module for module, but for the mask, which each encoder chooses by its own taste."""
    drawn = draw.matrix(text)
    by_mask = [segno.make_qr(text, error="m", mask=mask, boost_error=False) for mask in range(8)]
    assert any(np.array_equal(np.array(other.matrix, bool), drawn) for other in by_mask)


def test_a_host_one_character_longer_costs_a_version() -> None:
    assert len(draw.matrix("H" * 61)) == 29
    assert len(draw.matrix("H" * 62)) == 33
    assert len(draw.matrix("H" * 38)) == 25
    assert len(draw.matrix("H" * 39)) == 29


def test_runs_cover_the_dark_modules_and_nothing_else() -> None:
    modules = draw.matrix(urls(LONG, 1)[0])
    painted = np.zeros(modules.shape, int)
    for x, y, length in draw.runs(modules):
        painted[y, x : x + length] += 1
        assert x + length == len(modules) or not modules[y, x + length]
    assert np.array_equal(painted, modules.astype(int))


def test_a_png_decodes_and_has_the_size_asked_for() -> None:
    url = urls(LONG, 1)[0]
    for scale in (1, 3, 8, 40):
        image = Image.open(io.BytesIO(draw.png(url, scale)))
        assert image.size == (37 * scale, 37 * scale)
        assert read(np.asarray(image.convert("L"))) == url


@pytest.mark.parametrize("scale", [0, -1, 41])
def test_a_png_of_another_scale_is_not_drawn(scale: int) -> None:
    with pytest.raises(ValueError, match="1 to 40"):
        draw.png("A", scale)


def test_an_svg_has_the_same_modules_and_its_size_in_millimetres() -> None:
    url = urls(LONG, 1)[0]
    picture = draw.svg(url, module_mm=0.5)
    assert 'width="18.5mm" height="18.5mm" viewBox="0 0 37 37"' in picture
    painted = np.zeros((37, 37), bool)
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", picture):
        painted[int(y), int(x) : int(x) + int(length)] = True
    assert np.array_equal(painted[4:-4, 4:-4], draw.matrix(url))
    assert painted.sum() == draw.matrix(url).sum()


def test_an_svg_needs_neither_script_nor_style() -> None:
    picture = draw.svg("HTTPS://YIMA.TEST/<script>&style=")
    assert set(re.findall(r"<(\w+)", picture)) == {"svg", "path"}
    assert "style" not in picture


def test_the_terminal_shows_the_code() -> None:
    url = urls(SHORT, 1)[0]
    lines = draw.terminal(url).split("\n")
    halves = {" ": (0, 0), "▄": (0, 1), "▀": (1, 0), "█": (1, 1)}
    light = np.array([[halves[c][half] for c in line] for line in lines for half in (0, 1)])
    assert light.shape == (34, 33)
    assert read((light.repeat(4, axis=0).repeat(4, axis=1) * 255).astype(np.uint8)) == url


@pytest.mark.parametrize("text", ["", "A" * 5000, "\ud800"], ids=["empty", "long", "surrogate"])
def test_a_text_that_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(UndrawableText):
        draw.matrix(text)
