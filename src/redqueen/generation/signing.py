"""C2PA signing: a manifest inside the picture that says it is AI-generated, signed with the user's own certificate.

Needs the extra `c2pa`. A signature holds the time and random numbers: signed files differ from run to run, their
pixels do not.
"""

import importlib.util
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from redqueen import __version__
from redqueen.errors import UserError
from redqueen.files import digest_of
from redqueen.generation.provenance import SOURCE_TYPE

_CURVES = {256: "ES256", 384: "ES384", 521: "ES512"}  # C2PA 2.2, section 13.2: allowed algorithms


class Signer:
    """Signs pictures.

    Args:
        certificate: PEM file with the chain, the signer's own certificate first.
        key: PEM file with its private key: elliptic curve, RSA or Ed25519, without a password.

    Raises:
        UserError: the extra is not installed, a file is missing, or C2PA does not take the key or the certificate.
    """

    def __init__(self, certificate: str, key: str) -> None:
        if importlib.util.find_spec("c2pa") is None:
            raise UserError("signing needs c2pa-python, which is not installed: pip install redqueen[c2pa]")
        for name, path in (("render.certificate", certificate), ("render.key", key)):
            if not Path(path).expanduser().is_file():
                raise UserError(f"{name}={path}: no such file; give a PEM file")
        self.certificate = Path(certificate).expanduser().read_bytes()
        self.key = Path(key).expanduser().read_bytes()
        self.algorithm = _algorithm(self.key, key)

    def fingerprint(self) -> str:
        """Digest of the certificate."""
        return digest_of(self.certificate.decode())

    def __call__(self, data: bytes, mime: str, facts: Mapping[str, Any]) -> bytes:
        """The same picture with a signed manifest; raises UserError if the certificate is refused."""
        import c2pa  # noqa: PLC0415  (an extra)

        source, signed = io.BytesIO(data), io.BytesIO()
        try:
            info = c2pa.C2paSignerInfo(self.algorithm, self.certificate, self.key, None)
            with c2pa.Signer.from_info(info) as signer, c2pa.Builder.from_json(json.dumps(_manifest(facts))) as builder:
                builder.sign(signer, mime, source, signed)
        except c2pa.C2paError as error:
            raise UserError(f"C2PA refuses to sign with render.certificate and render.key: {error}") from None
        return signed.getvalue()


def _algorithm(key: bytes, path: str) -> str:
    """The signature algorithm that a private key is for."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: PLC0415  (comes with the extra)
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        found = load_pem_private_key(key, password=None)
    except (ValueError, TypeError) as error:
        raise UserError(f"render.key={path}: no private key in PEM without a password ({error})") from None
    if isinstance(found, ec.EllipticCurvePrivateKey) and found.curve.key_size in _CURVES:
        return _CURVES[found.curve.key_size]
    if isinstance(found, rsa.RSAPrivateKey):
        return "PS256"
    if isinstance(found, ed25519.Ed25519PrivateKey):
        return "Ed25519"
    raise UserError(f"render.key={path}: C2PA signs with P-256, P-384, P-521, RSA or Ed25519 keys alone")


def _manifest(facts: Mapping[str, Any]) -> dict[str, Any]:
    created = {"action": "c2pa.created", "digitalSourceType": SOURCE_TYPE, "softwareAgent": facts["generator"]}
    return {
        "claim_generator_info": [{"name": "redqueen", "version": __version__}],
        "title": facts["generator"],
        "assertions": [
            {"label": "c2pa.actions", "data": {"actions": [created]}},
            {"label": "org.redqueen.provenance", "data": dict(facts)},
        ],
    }
