"""C2PA: a signature that says what a picture is, and that no detector sees; with a certificate made here."""

import io
import json

import numpy as np
import pytest
from PIL import Image, ImageFilter

from redqueen.corpus.normalise import Normalise
from redqueen.errors import UserError
from redqueen.generation.provenance import MIME, Form, encode, facts_of

FACTS = {"generator": "flux-1-dev", "revision": "0123abc", "seed": 7, "prompt_id": "protest-12", "mode": "text"}
SIDE = 64

JPEG90 = Form("JPEG", options={"quality": 90, "subsampling": "4:2:0"})
FORMS = {
    "png": Form(),
    "jpeg": Form("JPEG", options={"quality": 75, "subsampling": "4:4:4"}),
    "jpeg that is passed on as it is": JPEG90,
    "webp": Form("WEBP", options={"quality": 80}),
}

every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


def noise(side=SIDE):
    pixels = np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(1))


def bare(picture, form):
    """The same file without a word."""
    buffer = io.BytesIO()
    picture.save(buffer, form.format, **form.options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    return make_signer(tmp_path_factory.mktemp("keys"))


def make_signer(folder, kind="ec"):
    pytest.importorskip("c2pa", reason="the extra c2pa is not installed")
    from redqueen.generation.signing import Signer
    from signing_keys import make_keys

    make_keys(folder, kind)
    return Signer(str(folder / "chain.pem"), str(folder / "key.pem"))


@pytest.mark.parametrize("kind", ["ec", "rsa", "ed25519"])
def test_every_kind_of_key_signs(kind, tmp_path):
    data = make_signer(tmp_path, kind)(encode(noise(), Form(), FACTS), "image/png", FACTS)
    assert validated(data, "image/png")[1] == "Valid"


def validated(data, mime):
    """The active manifest, and what the library makes of it."""
    import c2pa

    with c2pa.Reader(mime, io.BytesIO(data)) as reader:
        return reader.get_active_manifest(), reader.get_validation_state()


@every_form
def test_a_signed_picture_is_valid_says_what_it_is_and_shows_the_same(form, signer, tmp_path):
    data = encode(noise(), form, FACTS)
    signed = signer(data, MIME[form.format], FACTS)
    manifest, state = validated(signed, MIME[form.format])
    assert state == "Valid", "signed, though by no one whom the world trusts"
    text = json.dumps(manifest)
    assert "trainedAlgorithmicMedia" in text
    assert "protest-12" in text
    pixels = [np.asarray(Image.open(io.BytesIO(each)).convert("RGB")) for each in (data, signed)]
    assert (pixels[0] == pixels[1]).all()
    (tmp_path / "a").write_bytes(signed)
    assert facts_of(tmp_path / "a") == FACTS


@every_form
@pytest.mark.parametrize("size", [SIDE, SIDE // 2])
def test_detectors_cannot_see_a_signature(form, size, signer):
    data = encode(noise(), form, FACTS)
    signed = signer(data, MIME[form.format], FACTS)
    assert len(signed) > len(data) + 1000
    treated = Normalise(size=size)(signed).data
    assert treated == Normalise(size=size)(bare(noise(), form)).data
    assert b"c2pa" not in treated


def test_a_picture_that_was_changed_is_found_out(signer):
    signed = bytearray(signer(encode(noise(), JPEG90, FACTS), "image/jpeg", FACTS))
    signed[-100] ^= 1
    assert validated(bytes(signed), "image/jpeg")[1] == "Invalid"


def test_wrong_keys_are_named(signer, tmp_path):
    from redqueen.generation.signing import Signer

    with pytest.raises(UserError, match=r"render\.certificate=.*none\.pem: no such file"):
        Signer(str(tmp_path / "none.pem"), str(tmp_path / "none.pem"))
    (tmp_path / "a.pem").write_bytes(signer.certificate)
    (tmp_path / "b.pem").write_text("no key")
    with pytest.raises(UserError, match=r"render\.key=.*b\.pem: no private key in PEM"):
        Signer(str(tmp_path / "a.pem"), str(tmp_path / "b.pem"))
    (tmp_path / "a.pem").write_text("no certificate")
    (tmp_path / "b.pem").write_bytes(signer.key)
    with pytest.raises(UserError, match=r"C2PA refuses to sign with render\.certificate and render\.key"):
        Signer(str(tmp_path / "a.pem"), str(tmp_path / "b.pem"))(encode(noise(), Form(), FACTS), "image/png", FACTS)


def test_without_the_extra_signing_says_what_to_install(monkeypatch):
    from redqueen.generation import signing

    monkeypatch.setattr(signing.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install redqueen\[c2pa\]"):
        signing.Signer("a", "b")
