"""`python -m tests.pictures` writes the pictures of docs/pictures/ that are drawn from templates."""

from tests.pictures.files import PICTURES, pictures, pictures_of_recipes

for name, svg in {**pictures(), **pictures_of_recipes()}.items():
    file = PICTURES / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(svg)
