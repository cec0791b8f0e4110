import io
import re
from collections.abc import Callable

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


MIXED = link.prefix("qr.lanting.cn", "06901234567892", "mixed")


@pytest.mark.parametrize("drawn", [draw.png, draw.bulk_png])
def test_a_small_scheme_before_capitals_is_read_as_it_was_written(
    drawn: Callable[[str], bytes],
) -> None:
    for url in urls(MIXED, 50):
        assert url.startswith("https://QR.LANTING.CN/01/")
        image = Image.open(io.BytesIO(drawn(url)))
        assert read(np.asarray(image.convert("L"))) == url
        assert image.width // 8 - 8 == draw.side(url)


@pytest.mark.parametrize(
    ("host", "gtin", "sides"),
    [
        ("yi.ma", "06901234567892", (29, 29, 33)),
        ("qr.lanting.cn", "06901234567892", (33, 33, 33)),
        ("qr.lanting.cn", None, (29, 29, 29)),
        ("a-rather-long-name.lanting-winery.com", "06901234567892", (33, 37, 37)),
    ],
)
def test_mixed_letters_are_never_larger_than_small_ones(
    host: str, gtin: str | None, sides: tuple[int, int, int]
) -> None:
    texts = [link.prefix(host, gtin, case) + "Z" * 20 for case in ("upper", "mixed", "lower")]
    assert tuple(draw.side(text) for text in texts) == sides


def test_runs_cover_the_dark_modules_and_nothing_else() -> None:
    modules = draw.matrix(urls(LONG, 1)[0])
    painted = np.zeros(modules.shape, int)
    for x, y, length in draw.runs(modules):
        painted[y, x : x + length] += 1
        assert x + length == len(modules) or not modules[y, x + length]
    assert np.array_equal(painted, modules.astype(int))


@pytest.mark.parametrize("drawn", [draw.png, draw.bulk_png])
def test_a_png_decodes_and_has_the_size_asked_for(drawn: Callable[[str, int], bytes]) -> None:
    url = urls(LONG, 1)[0]
    for scale in (1, 3, 8, 40):
        image = Image.open(io.BytesIO(drawn(url, scale)))
        assert image.size == (37 * scale, 37 * scale)
        assert read(np.asarray(image.convert("L"))) == url


@pytest.mark.parametrize("scale", [0, -1, 41])
def test_a_png_of_another_scale_is_not_drawn(scale: int) -> None:
    with pytest.raises(ValueError, match="1 to 40"):
        draw.png("A", scale)


def test_an_svg_decodes_and_has_its_size_in_millimetres() -> None:
    url = urls(LONG, 1)[0]
    picture = draw.svg(url, module_mm=0.5)
    assert 'width="18.5mm" height="18.5mm" viewBox="0 0 18.5 18.5"' in picture
    dark = np.zeros((37, 37), bool)
    x, y = 0, -0.5
    path = re.search(r'stroke="#000" d="([^"]+)"', picture)
    assert path is not None
    for command, numbers in re.findall(r"([Mmh])([-\d. ]+)", path.group(1)):
        values = [float(number) for number in re.findall(r"-?[\d.]+", numbers)]
        if command == "h":
            dark[int(y), int(x) : int(x + values[0])] = True
            x += values[0]
        else:
            x, y = (values[0], values[1]) if command == "M" else (x + values[0], y + values[1])
    assert read(pixels_of(dark[4:-4, 4:-4])) == url


def test_a_bulk_svg_decodes() -> None:
    url = urls(LONG, 1)[0]
    dark = np.zeros((37, 37), bool)
    rectangles = re.findall(r"M(\d+) (\d+)h(\d+)v(\d+)h-\d+Z", draw.bulk_svg(url))
    for x, y, width, height in rectangles:
        dark[int(y) : int(y) + int(height), int(x) : int(x) + int(width)] = True
    assert read(pixels_of(dark[4:-4, 4:-4])) == url


@pytest.mark.parametrize("drawn", [draw.svg, draw.bulk_svg])
def test_an_svg_has_a_light_ground_under_code_and_quiet_zone(drawn: Callable[[str], str]) -> None:
    picture = drawn(urls(LONG, 1)[0])
    ground = re.search(r'<rect x="0" y="0" width="37" height="37" fill="#FFFFFF"', picture)
    ground = ground or re.search(r'<path fill="#fff" d="M0 0h37(\.0)?v37(\.0)?h-37', picture)
    assert ground is not None
    assert ground.start() < picture.index("M4 4")


@pytest.mark.parametrize("drawn", [draw.png, draw.bulk_png])
def test_a_png_is_light_where_it_is_not_dark_and_nowhere_transparent(
    drawn: Callable[[str], bytes],
) -> None:
    image = Image.open(io.BytesIO(drawn(urls(LONG, 1)[0])))
    assert "transparency" not in image.info
    pixels = np.asarray(image.convert("RGBA"))
    assert (pixels[..., 3] == 255).all()
    assert (pixels[:32] == 255).all()


def test_an_svg_needs_neither_script_nor_style() -> None:
    picture = draw.svg("HTTPS://YIMA.TEST/<script>&style=")
    assert set(re.findall(r"<(\w+)", picture)) == {"svg", "path"}
    assert "style" not in picture


def test_the_terminal_shows_the_code() -> None:
    url = urls(SHORT, 1)[0]
    lines = re.sub(r"\x1b\[[\d;]*m", "", draw.terminal(url)).strip("\n").split("\n")
    halves = {" ": (0, 0), "▄": (0, 1), "▀": (1, 0), "█": (1, 1)}
    light = np.array([[halves[c][half] for c in line] for line in lines for half in (0, 1)])
    assert light.shape[1] == 33
    assert read((light.repeat(4, axis=0).repeat(4, axis=1) * 255).astype(np.uint8)) == url


@pytest.mark.parametrize("text", ["", "A" * 5000, "\ud800"], ids=["empty", "long", "surrogate"])
def test_a_text_that_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(UndrawableText):
        draw.matrix(text)
