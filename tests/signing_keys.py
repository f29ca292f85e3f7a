"""A certificate for tests of C2PA, and its key; only imported where the extra is installed."""

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa


def make_keys(folder: Path, kind: str = "ec") -> None:
    """Write chain.pem and key.pem: a certificate of an authority that is made up here, and its key."""

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
