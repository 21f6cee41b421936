"""Names and descriptions of resources, with the characters and the length that AWS accepts."""

import re
import unicodedata

from fargate_constructs._core.unresolved import is_unresolved

# Other characters than those that EC2 accepts in descriptions of security groups and their rules
# (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html).
NOT_IN_EC2 = re.compile(r"[^a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]")
MAX_EC2_DESCRIPTION = 255
# https://www.unicode.org/charts/nameslist/
LATIN_LETTER = re.compile(r"LATIN (?P<case>CAPITAL|SMALL) (LETTER|LIGATURE) (?P<letter>[A-Z]{1,2})( WITH [A-Z ]+)?")


def ec2_description(text: str) -> str:
    """Return a description of a security group or rule with characters that EC2 accepts."""
    return shorten(NOT_IN_EC2.sub("_", remove_accents(text)), MAX_EC2_DESCRIPTION)


def validate_description(argument: str, text: str | None) -> None:
    """Refuse a description of a security group that EC2 would refuse; `None` and tokens pass."""
    if text is not None and not is_unresolved(text) and (not text or text != ec2_description(text)):
        raise ValueError(
            f"{argument} must be 1 to {MAX_EC2_DESCRIPTION} letters, digits, spaces and ._-:/()#,@[]+=&;{{}}!$*, "
            f"got: {text!r}; copy it from the deployed template"
        )


def remove_accents(text: str) -> str:
    """Return a text without accents: `Überweb` becomes `Uberweb`, `Øre` becomes `Ore`."""
    plain = (each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    return "".join(map(_plain_letter, plain))


def _plain_letter(letter: str) -> str:
    """Return the plain letters in the Unicode name of a letter with a stroke, or of a ligature."""
    if named := LATIN_LETTER.fullmatch(unicodedata.name(letter, "")):
        return named["letter"].title() if named["case"] == "CAPITAL" else named["letter"].lower()
    return {"ß": "ss", "ẞ": "SS"}.get(letter, letter)


def shorten(text: str, max_length: int) -> str:
    """Return the beginning and the end of a text that AWS limits to some number of characters."""
    half = (max_length - len("...")) // 2
    return text if len(text) <= max_length else f"{text[:half]}...{text[-half:]}"
