"""What a PDF by ReportLab says, and in what type: enough of a reader for that."""

import re
import zlib
from base64 import a85decode

_PAGE = re.compile(rb"/ASCII85Decode /FlateDecode \][^>]*>>\s*stream\s+(.*?)~>\s*endstream", re.DOTALL)
_SHOWN = re.compile(r"\(((?:[^()\\]|\\.)*)\) Tj|(BT|T\*)")


class PdfText:
    """A PDF's text, of letters that are ASCII, with the size of each piece and what the file says about itself."""

    def __init__(self, pdf: bytes) -> None:
        drawn = b"\n".join(zlib.decompress(a85decode(matches)) for matches in _PAGE.findall(pdf)).decode("latin-1")
        text = "".join(" " if line else piece for piece, line in _SHOWN.findall(drawn))
        self.text = " ".join(re.sub(r"\\(.)", r"\1", text).split())
        self.sizes = {float(size) for size in re.findall(r"/F\S+ ([\d.]+) Tf", drawn)}
        self.about = {
            name.decode(): fields.decode("latin-1")
            for name, fields in re.findall(rb"/(Title|Author|Subject|Creator|Lang) \(([^)]*)\)", pdf)
        }
