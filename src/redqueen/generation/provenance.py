"""What every rendered picture says of itself, in XMP: IPTC's digital source type, its generator, its seed, its prompt.

Normalisation strips all of it: detectors read pixels alone.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from PIL import ExifTags, Image, JpegImagePlugin
from PIL.PngImagePlugin import PngInfo

from redqueen.files import canonical

# IPTC NewsCodes, "created algorithmically using a model derived from sampled content". A reconstruction is that as
# well: no pixel of the photograph is left, all come from the model's decoder; `mode` tells it apart.
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
MIME = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}

_OURS = "urn:redqueen:provenance:1"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"  # the properties that start with AI: version 2025.1
_KEYWORD = "XML:com.adobe.xmp"  # of the PNG chunk, as XMP part 3 has it
_PLAIN = ("generator", "seed", "prompt_id", "mode")  # facts that stand in attributes of their own


@dataclass(frozen=True)
class Form:
    """How a picture is coded.

    Attributes:
        format: of the file.
        mode: "RGB", or "L" for a JPEG of one channel.
        options: what Pillow's `save` takes for that format.
        orientation: EXIF orientation, 1 to 8, of pixels that lie on their side as a camera's do; None if upright.
    """

    format: Literal["PNG", "JPEG", "WEBP"] = "PNG"
    mode: Literal["RGB", "L"] = "RGB"
    options: Mapping[str, Any] = field(default_factory=dict)
    orientation: int | None = None

    @property
    def suffix(self) -> str:
        """Of the file's name."""
        return {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}[self.format]


def form_of(picture: Image.Image) -> Form:
    """The form of a JPEG: its quantisation tables, subsampling, scan and orientation; PNG for any other format.

    Pillow cannot write the rarer ways of subsampling (4:4:0, 4:1:1): 4:2:0 takes their place.
    """
    if not isinstance(picture, JpegImagePlugin.JpegImageFile) or picture.mode not in ("RGB", "L"):
        return Form()
    tables = picture.quantization
    options: dict[str, Any] = {
        "qtables": [tables[key] for key in sorted(tables)],
        "progressive": bool(picture.info.get("progressive")),
    }
    if picture.mode == "RGB":
        sampling = JpegImagePlugin.get_sampling(picture)
        options["subsampling"] = sampling if sampling >= 0 else "4:2:0"
    turn = picture.getexif().get(ExifTags.Base.Orientation, 1)
    return Form("JPEG", "L" if picture.mode == "L" else "RGB", options, turn if turn in range(2, 9) else None)


def encode(picture: Image.Image, form: Form, facts: Mapping[str, Any]) -> bytes:
    """The picture as a file that declares what it is; the same pixels, whatever it declares."""
    buffer, packet = io.BytesIO(), xmp(facts)
    picture = picture.convert(form.mode)
    picture.info = {}
    extra: dict[str, Any] = {"xmp": packet.encode()}
    if form.format == "PNG":
        extra = {"pnginfo": PngInfo()}
        extra["pnginfo"].add_itxt(_KEYWORD, packet)
    if form.orientation is not None:
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = form.orientation
        extra["exif"] = exif.tobytes()
    picture.save(buffer, form.format, **form.options, **extra)
    return buffer.getvalue()


def xmp(facts: Mapping[str, Any]) -> str:
    """The XMP packet that declares a picture to be AI-generated, by what and how.

    Args:
        facts: JSON values; `generator` is needed, `seed`, `prompt_id`, `mode`, `revision` and `prompt` are said in
            properties of their own, as far as they are there.
    """
    properties = {
        "Iptc4xmpExt:DigitalSourceType": SOURCE_TYPE,
        "Iptc4xmpExt:AISystemUsed": facts["generator"],
        "Iptc4xmpExt:AISystemVersionUsed": facts.get("revision"),
        "Iptc4xmpExt:AIPromptInformation": facts.get("prompt"),
        "xmp:CreatorTool": f"redqueen, {facts['generator']}",
        **{f"redqueen:{key}": facts.get(key) for key in _PLAIN},
        "redqueen:facts": canonical(facts),
    }
    said = " ".join(f"{key}={quoteattr(str(value))}" for key, value in properties.items() if value is not None)
    return (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="{_IPTC}"'
        f' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:redqueen="{_OURS}" {said}/>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    )


def facts_of(path: Path) -> dict[str, Any]:
    """What a picture that we rendered says of itself; empty for any other."""
    with Image.open(path) as picture:
        packet = picture.info.get(_KEYWORD) or picture.info.get("xmp") or b""
    text = packet.decode() if isinstance(packet, bytes) else str(packet)
    body = text.partition("?>")[2].rpartition("<?")[0]
    if _OURS not in body:
        return {}
    for element in ElementTree.fromstring(body).iter():
        if (found := element.get(f"{{{_OURS}}}facts")) is not None:
            return dict(json.loads(found))
    return {}
