"""Small things that make one character carry itself unlike another with the same choices."""

import hashlib

import msgspec


class Quirks(msgspec.Struct, frozen=True):
    """`tilt` in degrees, `spread` a factor on the eye distance, `gaze` a shift of the pupils, `flip` mirrors."""

    tilt: float = 0.0
    spread: float = 1.0
    gaze: float = 0.0
    flip: bool = False


def quirks_of(seed: str) -> Quirks:
    """Drawn from the seed alone; the empty seed carries itself straight."""
    if not seed:
        return Quirks()
    digest = hashlib.sha256(b"quirks:" + seed.encode("utf-8", "surrogatepass")).digest()
    return Quirks(
        tilt=(digest[0] % 11) - 5.0,
        spread=0.95 + (digest[1] % 13) / 100,
        gaze=(digest[2] % 3 - 1) * 5.0,
        flip=digest[3] % 2 == 1,
    )
