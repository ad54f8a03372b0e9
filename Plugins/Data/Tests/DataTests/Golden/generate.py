"""Writes the image files of this folder and what Pillow and PyTorch make of them.

Run by hand (needs numpy, pillow, torch, safetensors); the tests read the files only.
"""

import os

import numpy
import torch
from PIL import Image
from safetensors.numpy import save_file

FOLDER = os.path.dirname(os.path.abspath(__file__))
HEIGHT, WIDTH = 11, 14

expected = {}


def planar(image):
    pixels = numpy.asarray(image)
    return numpy.ascontiguousarray(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))


def write(name, image, **options):
    """The file, and its pixels as gray and as RGB."""
    path = os.path.join(FOLDER, name)
    image.save(path, **options)
    with Image.open(path) as read:
        rgb = read.convert("RGB")
        expected[name + "/rgb"] = planar(rgb)
        expected[name + "/gray"] = planar(read if read.mode == "L" else rgb.convert("L"))


y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH]
colour = numpy.stack([x * 13 % 256, y * 19 % 256, (x + y) * 8 % 256], axis=2).astype(numpy.uint8)
rgb = Image.fromarray(colour)
write("rgb.png", rgb)
write("gray.png", rgb.convert("L"))
write("palette.png", rgb.quantize(16))
write("rgb.jpg", rgb, quality=90)
write("gray.jpg", rgb.convert("L"), quality=90)
write("progressive.jpg", rgb, quality=80, progressive=True)
write("cmyk.jpg", rgb.convert("CMYK"), quality=95)

random = torch.Generator().manual_seed(3)
floats = torch.randn(1, 2, 7, 5, generator=random)
bytes_ = torch.randint(0, 256, (1, 2, 7, 5), generator=random)
expected["resize/float"] = floats.numpy()
expected["resize/bytes"] = bytes_.to(torch.uint8).numpy()
for size in [(14, 10), (3, 4), (7, 5), (1, 1), (20, 2), (9, 8)]:
    name = f"resize/{size[0]}x{size[1]}"
    bilinear = lambda t: torch.nn.functional.interpolate(t, size, mode="bilinear", align_corners=False)
    expected[name + "/float/bilinear"] = bilinear(floats).numpy()
    expected[name + "/float/nearest"] = torch.nn.functional.interpolate(floats, size, mode="nearest").numpy()
    # Exact means of bytes; the test rounds them itself.
    expected[name + "/bytes/bilinear"] = bilinear(bytes_.double()).float().numpy()

path = os.path.join(FOLDER, "images.safetensors")
save_file(expected, path)
os.chmod(path, 0o644)
