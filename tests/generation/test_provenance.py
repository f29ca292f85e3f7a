"""What a rendered picture says of itself, read by other means than those that wrote it."""

import io
from xml.etree import ElementTree

import pytest
from PIL import Image

from redqueen.generation.provenance import png_info, xmp

IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"


@pytest.mark.parametrize("name", ["lineage-1", 'a "quoted" <name> & more'])
def test_xmp_is_wellformed_and_declares_the_source_type(name):
    body = xmp(name).partition("?>")[2].rpartition("<?")[0]
    (description,) = ElementTree.fromstring(body).iter(f"{RDF}Description")
    assert (
        description.get(f"{IPTC}DigitalSourceType")
        == "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    )
    assert description.get("{http://ns.adobe.com/xap/1.0/}CreatorTool") == f"redqueen, {name}"


def test_pillow_finds_it_in_the_png():
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "PNG", pnginfo=png_info("lineage-1", {"seed": 7, "revision": "abc"}))
    picture = Image.open(buffer)
    picture.load()
    assert picture.info["XML:com.adobe.xmp"] == xmp("lineage-1")  # the keyword that XMP's specification asks for
    assert (picture.text["redqueen:seed"], picture.text["redqueen:revision"]) == ("7", "abc")
