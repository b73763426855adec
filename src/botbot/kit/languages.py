"""Languages by their tags, as people call them in English."""

LANGUAGES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "pt": "Portuguese",
    "pt-BR": "Brazilian Portuguese", "nl": "Dutch", "pl": "Polish", "tr": "Turkish", "ru": "Russian",
    "uk": "Ukrainian", "ja": "Japanese", "ko": "Korean", "zh": "Chinese", "zh-CN": "Simplified Chinese",
    "zh-TW": "Traditional Chinese", "ar": "Arabic", "he": "Hebrew", "hi": "Hindi", "sv": "Swedish",
    "da": "Danish", "fi": "Finnish", "nb": "Norwegian", "cs": "Czech", "el": "Greek", "vi": "Vietnamese",
}  # fmt: skip


def language_name(code: str) -> str:
    """`de-AT` becomes German; an unknown code stays as it is."""
    return LANGUAGES.get(code) or LANGUAGES.get(code.split("-")[0], code)
