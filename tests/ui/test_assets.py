"""Assets: names follow content, everything fits the budget, and the stylesheet holds every hue."""

import gzip
import json
import re

import pytest

from botbot.ui import assets
from botbot.ui.assets import asset_url, find_asset, list_assets, make_asset, stylesheet
from botbot.ui.colour import contrast, hue_hex, oklch_to_rgb

SCRIPT_BUDGET = 25 * 1024
STYLE_BUDGET = 14 * 1024
CHAT_STYLE_BUDGET = 4 * 1024


def test_a_name_changes_with_its_content_and_only_then():
    one, same, other = (make_asset("app.css", body) for body in (b"a{}", b"a{}", b"b{}"))
    assert one.name == same.name != other.name
    assert one.etag != other.etag
    assert re.fullmatch(r"app\.[0-9a-f]{12}\.css", one.name)


def test_a_changed_stylesheet_changes_the_sum(tmp_path):
    (tmp_path / "css").mkdir()
    (tmp_path / "css" / "base.css").write_text("@layer base { a { color: red } /* why */ }")
    assert "color: red" in stylesheet(tmp_path)
    assert "why" not in stylesheet(tmp_path)


def test_only_the_hashed_name_is_served():
    url = asset_url("app.css")
    found = find_asset(url.removeprefix("/static/"))
    assert found is list_assets()["app.css"]
    assert find_asset("app.css") is None
    assert find_asset("app.000000000000.css") is None
    with pytest.raises(KeyError):
        asset_url("nothing.css")


def test_the_packed_body_is_the_body():
    for asset in list_assets().values():
        assert asset.gzip_body is None or gzip.decompress(asset.gzip_body) == asset.body


def test_types_are_exact():
    kinds = {name.rsplit(".", 1)[1]: asset.content_type for name, asset in list_assets().items()}
    assert kinds["js"].startswith("text/javascript")
    assert kinds["css"].startswith("text/css")
    assert kinds["svg"] == "image/svg+xml"


def test_scripts_and_styles_stay_within_the_budget():
    sizes = {name: len(asset.gzip_body or asset.body) for name, asset in list_assets().items()}
    scripts = {name: size for name, size in sizes.items() if name.endswith(".js")}
    library = scripts.pop("htmx.min.js")  # only on pages that refresh themselves, which load nothing else but the shell
    grid = {name: size for name, size in scripts.items() if name not in assets.CHAT_MODULES}
    shared = {name: size for name, size in scripts.items() if name not in {"browse.js", "endless.js", "dialog.js"}}
    for page in (grid, shared):  # the first page, and a personality's own
        assert sum(page.values()) <= SCRIPT_BUDGET, sizes
    assert library + scripts["shell.js"] + scripts["favourite.js"] <= SCRIPT_BUDGET, sizes
    assert sizes["app.css"] <= STYLE_BUDGET, sizes
    assert sizes["chat.css"] <= CHAT_STYLE_BUDGET, sizes


def test_scripts_import_only_our_own_and_never_parse_text_as_html_but_our_own_pages():
    for file in (assets.STATIC / "js").glob("*.js"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"\beval\(|new Function|insertAdjacentHTML|\.outerHTML", text), file.name
        assert all(name in list_assets() for name in re.findall(r'from "asset:([\w.]+)"', text)), file.name
        assert text.count(' from "') == text.count(' from "asset:'), file.name
        allowed = 1 if file.name in {"browse.js", "dialog.js", "endless.js", "reviews.js"} else 0
        assert text.count("innerHTML") == allowed, file.name
        assert "htmx.swap(" not in text or file.name == "progress.js", file.name


def test_a_script_imports_another_by_its_hashed_name():
    chat = list_assets()["chat.js"].body.decode()
    assert asset_url("setting.js") in chat
    assert "asset:" not in chat


def test_every_module_of_the_chat_is_asked_for_at_once():
    needed, found = ["chat.js"], set[str]()
    while needed:
        found.add(name := needed.pop())
        text = (assets.STATIC / "js" / name).read_text(encoding="utf-8")
        needed += [each for each in re.findall(r'from "asset:([\w.]+)"', text) if each not in found]
    assert found == set(assets.CHAT_MODULES)


def test_the_manifest_points_at_the_hashed_icon():
    manifest = json.loads(list_assets()["site.webmanifest"].body)
    assert manifest["icons"][0]["src"] == asset_url("favicon.svg")


def test_styles_load_nothing_from_elsewhere_and_keep_to_their_layers():
    css = stylesheet()
    assert "http" not in css.replace("http://www.w3.org/2000/svg", "")
    assert "@import" not in css
    assert set(re.findall(r"@layer (\w+) ?\{", css)) == set(re.findall(r"\w+", assets.LAYERS.removeprefix("@layer ")))
    assert all(f".hue-{hue}{{--hue:{hue}}}" in css for hue in range(0, 360, 10))


def _token(name: str) -> tuple[str, str]:
    """A meaning's two values, light and dark, as written."""
    tokens = (assets.STATIC / "css" / "tokens.css").read_text(encoding="utf-8")
    found = re.search(rf"--{name}: light-dark\((.+?)\);$", tokens, re.M)
    assert found, name
    light, dark = re.split(r",\s*(?=oklch|var\(--ink)", found[1], maxsplit=1)
    return _resolved(light, tokens), _resolved(dark, tokens)


def _resolved(value: str, tokens: str) -> str:
    named = re.fullmatch(r"var\((--(?:paper|ink)-\d)\)", value.strip())
    if not named:
        return value
    found = re.search(rf"{named[1]}: (oklch\(.+?\));", tokens)
    assert found, value
    return found[1]


def _rgb(value: str, hue: int):
    lightness, chroma, own = re.match(r"oklch\(([\d.]+) ([\d.]+) (\S+?)\)$", value.strip()).groups()  # type: ignore[union-attr]
    return oklch_to_rgb(float(lightness), float(chroma), hue if own.startswith("var") else float(own))


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground", "floor"),
    [
        ("color-text", "color-canvas", 7.0),
        ("color-text", "color-surface", 7.0),
        ("color-text", "glow", 7.0),
        ("color-muted", "color-canvas", 4.5),
        ("color-muted", "color-raised", 4.5),
        ("color-muted", "glow", 4.5),
        ("on-bubble", "bubble", 7.0),
        ("on-accent", "accent", 4.5),
        ("on-accent", "accent-up", 4.5),
        ("accent-text", "color-canvas", 4.5),
        ("accent-text", "color-surface", 4.5),
        ("accent-text", "glow", 4.5),
        ("color-text", "color-danger-ground", 7.0),
        ("color-danger", "color-raised", 4.5),
        ("color-good", "color-raised", 4.5),
        ("color-wait", "color-raised", 4.5),
    ],
)
def test_every_hue_keeps_its_contrast(theme, ink, ground, floor):
    worst = min(
        (contrast(_rgb(_token(ink)[theme], hue), _rgb(_token(ground)[theme], hue)), hue) for hue in range(0, 360, 10)
    )
    assert worst[0] >= floor, f"{ink} on {ground}: {worst[0]:.2f} at hue {worst[1]}"


def test_a_hue_becomes_a_plain_colour():
    assert len({hue_hex(hue) for hue in range(0, 360, 10)}) == 36
    assert all(re.fullmatch(r"#[0-9a-f]{6}", hue_hex(hue)) for hue in range(0, 360, 10))


def test_known_colours_convert_exactly():
    assert oklch_to_rgb(1.0, 0.0, 0) == pytest.approx((1, 1, 1), abs=0.002)
    assert oklch_to_rgb(0.628, 0.2577, 29.23) == pytest.approx((1, 0, 0), abs=0.01)
    assert contrast((1, 1, 1), (0, 0, 0)) == pytest.approx(21)
