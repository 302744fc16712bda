"""What the evidence says in codes, in words: regions, formats of plates, why a text was not taken.
Pure. What is not known here is shown as it came."""

from __future__ import annotations

from typing import Final

from server.web.pages import wording

REGIONS: Final = {"eu": "Europe", "us": "United States", "br": "Brazil", "th": "Thailand"}
COUNTRIES: Final = {
    "at": "Austria",
    "be": "Belgium",
    "bg": "Bulgaria",
    "br": "Brazil",
    "ch": "Switzerland",
    "cz": "Czechia",
    "de": "Germany",
    "dk": "Denmark",
    "ee": "Estonia",
    "es": "Spain",
    "fi": "Finland",
    "fr": "France",
    "gb": "United Kingdom",
    "gr": "Greece",
    "hr": "Croatia",
    "hu": "Hungary",
    "ie": "Ireland",
    "it": "Italy",
    "lv": "Latvia",
    "nl": "Netherlands",
    "no": "Norway",
    "pl": "Poland",
    "pt": "Portugal",
    "ro": "Romania",
    "se": "Sweden",
    "sk": "Slovakia",
    "th": "Thailand",
    "tr": "Türkiye",
    "ua": "Ukraine",
    "us": "United States",
}
REASONS: Final = {
    "low_confidence": "too unsure",
    "unsure": "too unsure",
    "too_few_readings": "read too few times",
    "same_passage": "the same passage",
    "static_text": "part of the scene",
    "not_alike": "outvoted",
    "out_of_zone": "outside of the zones",
    "outside_vehicle": "not on a vehicle",
    "empty": "no text",
    "format": "fits no country's plates",
    "everyday": "a word as on signs",
    "surroundings": "no plate around it",
    "small": "too small",
    "shape": "not shaped like a plate",
    "tilted": "too tilted",
    "cut": "cut off by the edge",
    "crowded": "too many texts at once",
}
_SLOTS: Final = str.maketrans({"L": "A", "T": "ก", "D": "0", "N": "0", "*": " ", "!": " "})


def region_name(code: str) -> str:
    """Europe (eu); of a country's code, the country."""
    name = REGIONS.get(code) or COUNTRIES.get(code)
    return code if name is None else f"{name} ({code})"


def format_name(name: str) -> str:
    """Of `sk:LL*DDDLL`: Slovakia, as in AA 000AA."""
    country, separator, slots = name.partition(":")
    if not separator:
        return name
    return f"{COUNTRIES.get(country, country)}, as in {slots.translate(_SLOTS)}"


def why_not(reason: str) -> str:
    return REASONS.get(reason, reason)


def threshold(name: str, value: float) -> str:
    """What had to be reached for a plate to be taken."""
    match name:
        case "min_confidence":
            return f"the least certain character at {wording.share(value)}"
        case "min_readings":
            return f"{wording.plural(int(value), 'reading')} of the same text"
        case "single_confidence":
            return f"or one at {wording.share(value)}"
        case "cooldown_s":
            return f"the same plate again after {value:g} s"
    return f"{name.replace('_', ' ')} {value:g}"
