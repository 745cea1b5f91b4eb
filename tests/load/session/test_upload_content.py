from __future__ import annotations

from pathlib import Path

from statedrill.load.session.upload_content import upload_content


def test_a_picture_is_a_png_that_only_its_id_makes() -> None:
    assert upload_content("r.1.1") == upload_content("r.1.1")
    assert upload_content("r.1.1") != upload_content("r.1.2")
    assert upload_content("r.1.1").startswith(b"\x89PNG\r\n\x1a\n")
    assert 1000 < len(upload_content("r.1.1")) < 1300


def test_a_picture_can_be_looked_at(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "me.png").write_bytes(upload_content("r.1.1"))
    with Image.open(tmp_path / "me.png") as image:
        image.load()
        assert (image.size, image.mode) == ((32, 32), "L")
