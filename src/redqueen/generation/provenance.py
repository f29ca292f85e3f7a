"""What every rendered picture says of itself: IPTC's digital source type in XMP, its generator, its seed.

Normalisation strips all of it: detectors read pixels alone.
"""

from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

from PIL.PngImagePlugin import PngInfo

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"  # IPTC NewsCodes


def png_info(generator: str, facts: Mapping[str, object]) -> PngInfo:
    """PNG text chunks: an XMP packet with the digital source type, and the facts in plain words."""
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp(generator))
    for key in sorted(facts):
        info.add_text(f"redqueen:{key}", str(facts[key]))
    return info


def xmp(generator: str) -> str:
    """The XMP packet that declares a picture to be AI-generated, and by what."""
    return (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        ' xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
        f' Iptc4xmpExt:DigitalSourceType="{SOURCE_TYPE}" xmp:CreatorTool={quoteattr(f"redqueen, {generator}")}/>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    )
