"""Small drawn portraits for the cast, so that nobody is a grey circle."""

_HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 80" role="img">'
_HAIR = (
    "M14 38 Q14 12 40 12 Q66 12 66 38 Q56 26 40 26 Q24 26 14 38Z",
    "M16 40 Q12 14 40 13 Q68 14 64 40 Q62 30 54 25 Q44 32 28 25 Q18 30 16 40Z",
    "M12 50 Q8 12 40 12 Q72 12 68 50 Q64 34 58 27 Q40 22 22 27 Q16 34 12 50Z",
    "M18 32 Q20 10 42 12 Q62 14 62 32 Q50 20 38 24 Q26 24 18 32Z",
)
_SKIN = ("#f3d3b8", "#c98d63", "#8a5a3c", "#e6b894")


def portrait(hue: int, seed: int) -> str:
    hair, skin = _HAIR[seed % len(_HAIR)], _SKIN[(seed + 1) % len(_SKIN)]
    return (
        f'{_HEAD}<rect width="80" height="80" fill="hsl({hue} 55% 62%)"/>'
        f'<path d="M8 84 Q10 58 40 58 Q70 58 72 84Z" fill="hsl({hue} 60% 34%)"/>'
        f'<circle cx="40" cy="40" r="21" fill="{skin}"/><path d="{hair}" fill="hsl({(hue + 180) % 360} 30% 22%)"/>'
        '<circle cx="32.500" cy="41" r="2.600" fill="#20182a"/><circle cx="47.500" cy="41" r="2.600" fill="#20182a"/>'
        '<path d="M33 49 Q40 55 47 49" fill="none" stroke="#20182a" stroke-width="2.400" stroke-linecap="round"/></svg>'
    )


def robot(hue: int) -> str:
    return (
        f'{_HEAD}<rect width="80" height="80" fill="hsl({hue} 45% 30%)"/>'
        f'<path d="M40 10 V22" stroke="hsl({hue} 70% 80%)" stroke-width="4" stroke-linecap="round"/>'
        f'<circle cx="40" cy="11" r="5" fill="hsl({hue} 90% 78%)"/>'
        f'<rect x="16" y="22" width="48" height="42" rx="16" fill="hsl({hue} 60% 86%)"/>'
        f'<g fill="hsl({hue} 50% 24%)"><circle cx="31" cy="42" r="6"/><circle cx="49" cy="42" r="6"/></g>'
        f'<path d="M32 54 H48" stroke="hsl({hue} 50% 24%)" stroke-width="3.500" stroke-linecap="round"/></svg>'
    )
