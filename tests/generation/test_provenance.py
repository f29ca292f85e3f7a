"""What a rendered picture says of itself, signed or not, leaves with treatment: no detector can see any of it."""

import io
import json
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageFilter, JpegImagePlugin

from redqueen.corpus.normalise import Normalise
from redqueen.generation.provenance import Form, encode, facts_of, form_of, xmp

IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
FACTS = {
    "generator": "flux-1-dev",
    "revision": "0123abc",
    "seed": 7,
    "prompt_id": "protest-12",
    "prompt": 'a "crowd" <in> front & behind',
    "mode": "text",
    "versions": {"torch": "2.9"},
}
SIDE = 64

JPEG90 = Form("JPEG", options={"quality": 90, "subsampling": "4:2:0"})
FORMS = {
    "png": Form(),
    "jpeg": Form("JPEG", options={"quality": 75, "subsampling": "4:4:4"}),
    "jpeg that is passed on as it is": JPEG90,
    "webp": Form("WEBP", options={"quality": 80}),
    "webp without loss": Form("WEBP", options={"lossless": True}),
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


def description(packet):
    (found,) = ElementTree.fromstring(packet.partition("?>")[2].rpartition("<?")[0]).iter(f"{RDF}Description")
    return found


@pytest.mark.parametrize("name", ["lineage-1", 'a "quoted" <name> & more'])
def test_xmp_is_wellformed_and_declares_the_source_type(name):
    found = description(xmp({"generator": name}))
    source_type = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    assert found.get(f"{IPTC}DigitalSourceType") == source_type
    assert found.get("{http://ns.adobe.com/xap/1.0/}CreatorTool") == f"redqueen, {name}"
    assert found.get(f"{IPTC}AISystemUsed") == name
    assert found.get(f"{IPTC}AIPromptInformation") is None, "what is unknown is not said"


def test_xmp_says_every_fact():
    found = description(xmp(FACTS))
    assert found.get(f"{IPTC}AIPromptInformation") == FACTS["prompt"]
    assert found.get(f"{IPTC}AISystemVersionUsed") == "0123abc"
    ours = "{urn:redqueen:provenance:1}"
    assert [found.get(f"{ours}{key}") for key in ("seed", "prompt_id", "mode")] == ["7", "protest-12", "text"]
    assert json.loads(found.get(f"{ours}facts")) == FACTS


@every_form
def test_pillow_finds_it_in_every_format(form):
    with Image.open(io.BytesIO(encode(noise(), form, FACTS))) as picture:
        assert picture.format == form.format
        packet = picture.info.get("XML:com.adobe.xmp") or picture.info["xmp"].decode()
    assert packet == xmp(FACTS)


@every_form
def test_it_can_be_read_back(form, tmp_path):
    path = tmp_path / f"picture{form.suffix}"
    path.write_bytes(encode(noise(), form, FACTS))
    assert facts_of(path) == FACTS


def test_other_pictures_say_nothing(tmp_path):
    noise().save(tmp_path / "a.png")
    noise().save(tmp_path / "b.jpg", xmp=b"<?xpacket?><x/><?xpacket?>")
    assert facts_of(tmp_path / "a.png") == facts_of(tmp_path / "b.jpg") == {}


@every_form
def test_no_pixel_depends_on_it(form):
    said = np.asarray(Image.open(io.BytesIO(encode(noise(), form, FACTS))).convert("RGB"))
    silent = np.asarray(Image.open(io.BytesIO(bare(noise(), form))).convert("RGB"))
    assert (said == silent).all()


@every_form
@pytest.mark.parametrize("size", [SIDE, SIDE // 2])
def test_detectors_cannot_see_it(form, size):
    """What detectors read are the bytes that normalisation leaves: the same with and without provenance."""
    said, other = (Normalise(size=size)(encode(noise(), form, facts)).data for facts in (FACTS, {"generator": "x"}))
    assert said == other == Normalise(size=size)(bare(noise(), form)).data


def test_one_of_the_forms_is_passed_on_without_compression():
    """Else the test above would say nothing about such files."""
    data = encode(noise(), JPEG90, FACTS)
    treated = Normalise(size=SIDE)(data).data
    scan = data[data.index(b"\xff\xda") :]
    assert treated.endswith(scan)
    assert not Normalise(size=SIDE)(encode(noise(), FORMS["jpeg"], FACTS)).data.endswith(scan[-200:])


@pytest.mark.parametrize("quality", [30, 75, 92, 100])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_is_saved_in_the_form_of_another(quality, subsampling, progressive):
    options = {"quality": quality, "subsampling": subsampling, "progressive": progressive}
    first = Image.open(io.BytesIO(bare(noise(), Form("JPEG", options=options))))
    second = Image.open(io.BytesIO(encode(noise(48), form_of(first), FACTS)))
    assert second.quantization == first.quantization
    assert JpegImagePlugin.get_sampling(second) == JpegImagePlugin.get_sampling(first)
    assert bool(second.info.get("progressive")) == progressive


def test_tables_of_no_libjpeg_quality_are_kept():
    """A camera's own tables."""
    tables = [list(range(1, 65)), list(range(64, 0, -1))]
    first = Image.open(io.BytesIO(bare(noise(), Form("JPEG", options={"qtables": tables}))))
    second = Image.open(io.BytesIO(encode(noise(), form_of(first), FACTS)))
    assert list(second.quantization[0]) == tables[0]
    assert list(second.quantization[1]) == tables[1]


def test_a_grey_jpeg_stays_grey_and_a_turned_one_turned():
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "a camera"
    noise().convert("L").save(buffer, "JPEG", quality=80, exif=exif.tobytes())
    form = form_of(Image.open(buffer))
    again = Image.open(io.BytesIO(encode(noise(), form, FACTS)))
    assert again.mode == "L"
    assert dict(again.getexif()) == {ExifTags.Base.Orientation: 6}, "and nothing else of the camera"


@pytest.mark.parametrize("format", ["PNG", "WEBP", "GIF", "BMP"])
def test_every_other_format_becomes_png(format):
    buffer = io.BytesIO()
    noise().save(buffer, format)
    assert form_of(Image.open(buffer)) == Form()
