"""C2PA: a signature that says what a picture is, and that no detector sees; with a certificate made here."""

import datetime
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
    """A signer with a certificate of an authority that these tests made up."""
    pytest.importorskip("c2pa", reason="the extra c2pa is not installed")
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    from redqueen.generation.signing import Signer

    kinds = {
        "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }
    root_key, key = ec.generate_private_key(ec.SECP256R1()), kinds[kind]()
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)

    def name(text):
        oid = x509.oid.NameOID
        return x509.Name(
            [x509.NameAttribute(oid.ORGANIZATION_NAME, "Tests"), x509.NameAttribute(oid.COMMON_NAME, text)]
        )

    def certificate(subject, public, is_root):
        usage = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
             "decipher_only"), False,
        )  # fmt: skip
        usage |= {"digital_signature": not is_root, "key_cert_sign": is_root, "crl_sign": is_root}
        made = x509.CertificateBuilder().issuer_name(name("root")).subject_name(name(subject)).public_key(public)
        made = made.serial_number(x509.random_serial_number())
        made = made.not_valid_before(now - day).not_valid_after(now + 30 * day)
        made = made.add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
        made = made.add_extension(x509.KeyUsage(**usage), critical=True)
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        parent = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
        made = made.add_extension(parent, critical=False)
        if not is_root:
            purpose = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.EMAIL_PROTECTION])
            made = made.add_extension(purpose, critical=False)
        return made.sign(root_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    chain = certificate("signer", key.public_key(), False) + certificate("root", root_key.public_key(), True)
    (folder / "chain.pem").write_bytes(chain)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
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
