"""GCJ-02, the shifted datum of Chinese maps and phones, to WGS-84 and back.

GCJ-02's exact formula is not published. This is the approximation in common use, on the Krasovsky
1940 ellipsoid; it agrees with the maps to about a metre, far below the grain of a region.
"""

from math import cos, pi, radians, sin, sqrt

from core.errors import BadInput

SEMI_MAJOR_AXIS_METRES = 6378245.0
ECCENTRICITY_SQUARED = 0.00669342162296594323
# The shift changes so slowly that every round divides the error by some thousands.
INVERSE_ROUNDS = 3


def check_position(lat: float, lon: float) -> None:
    """Nothing, if these are degrees of a place on earth.

    Errors: `BadInput` outside ±90 and ±180, and for NaN.
    """
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise BadInput(reason=f"latitude {lat}, longitude {lon} is no place on earth")


def gcj02_to_wgs84(lat: float, lon: float) -> tuple[float, float]:
    """The WGS-84 `(lat, lon)` of a GCJ-02 position, in degrees; unchanged outside China.

    "China" is the rough box that the datum's users agree on, so a few neighbours get the shift of
    some hundred metres too. Errors: `BadInput` for what is no position.
    """
    check_position(lat, lon)
    if not _in_box(lat, lon):
        return lat, lon
    guess_lat, guess_lon = lat, lon
    for _ in range(INVERSE_ROUNDS):
        shift_lat, shift_lon = _shift(guess_lat, guess_lon)
        guess_lat, guess_lon = lat - shift_lat, lon - shift_lon
    return guess_lat, guess_lon


def wgs84_to_gcj02(lat: float, lon: float) -> tuple[float, float]:
    """The GCJ-02 `(lat, lon)` of a WGS-84 position, in degrees; unchanged outside China.

    Errors: `BadInput` for what is no position.
    """
    check_position(lat, lon)
    if not _in_box(lat, lon):
        return lat, lon
    shift_lat, shift_lon = _shift(lat, lon)
    return lat + shift_lat, lon + shift_lon


def _in_box(lat: float, lon: float) -> bool:
    return 0.8293 <= lat <= 55.8271 and 72.004 <= lon <= 137.8347


def _waves(angle: float, *terms: tuple[float, float]) -> float:
    """The sum of `amplitude · sin(angle · frequency)` over `terms`, two thirds of it."""
    return 2 / 3 * sum(amplitude * sin(angle * frequency) for amplitude, frequency in terms)


def _shift(lat: float, lon: float) -> tuple[float, float]:
    """How far GCJ-02 moves a WGS-84 position, in degrees north and east."""
    x, y = lon - 105, lat - 35
    ripple = _waves(x * pi, (20, 6), (20, 2))
    north_metres = (
        -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x))
        + ripple + _waves(y * pi, (20, 1), (40, 1 / 3), (160, 1 / 12), (320, 1 / 30))
    )  # fmt: skip
    east_metres = (
        300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x))
        + ripple + _waves(x * pi, (20, 1), (40, 1 / 3), (150, 1 / 12), (300, 1 / 30))
    )  # fmt: skip
    w_squared = 1 - ECCENTRICITY_SQUARED * sin(radians(lat)) ** 2
    prime_vertical_metres = SEMI_MAJOR_AXIS_METRES / sqrt(w_squared)
    meridian_metres = prime_vertical_metres * (1 - ECCENTRICITY_SQUARED) / w_squared
    return (
        north_metres / (meridian_metres * pi / 180),
        east_metres / (prime_vertical_metres * cos(radians(lat)) * pi / 180),
    )
