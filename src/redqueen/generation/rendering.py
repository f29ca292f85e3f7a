"""The settings of rendering, and what they make of a generator: its loading, its batches, its painter."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le

from redqueen.errors import UserError
from redqueen.generation.modes import FromImage, FromText, Mode, Painter, Reconstruct
from redqueen.generation.pipelines import Dtype, Loading, Offload, Weights
from redqueen.generation.signing import Signer
from redqueen.types import Generator

_BATCHES = ((256, 16), (512, 4))  # up to so many pixels a side -> pictures a call; above, one

Count = Annotated[int, Ge(1)]


@dataclass(frozen=True)
class Rendering:
    """How pictures are rendered.

    Args:
        n: pictures a generator.
        batch_size: pictures a call; None goes by the generator's resolution: 16 up to 256 pixels, 4 up to 512, else 1.
        per_prompt: pictures a prompt.
        mode: from `text`; from an `image` and text; `reconstruction` of photographs by the generator's autoencoder.
        strength: of mode `image`: share of the denoising steps that are done; 1 leaves nothing of the photograph.
        among: of the modes with photographs: choose among the first so many of the source; None: among all.
        shard: part of the work, as 3/16; auto follows torchrun or Slurm.
        dtype: auto is bfloat16 on a GPU, float32 on a CPU and for autoencoders.
        offload: keeps the parts that do not work off the GPU.
        scheduler: class of diffusers that samples instead of the pipeline's own.
        slicing: the autoencoder works on one picture at a time.
        tiling: the autoencoder works on one tile at a time.
        licence: of the pictures that start from no photograph.
        lock: commits of the weights, as `redqueen generators pin` writes them.
        certificate: PEM file that signs each picture by C2PA, together with `key`.
        key: PEM file of the certificate's private key.
    """

    n: Count
    batch_size: Count | None = None
    per_prompt: Count = 1
    mode: Mode = "text"
    strength: Annotated[float, Gt(0), Le(1)] = 0.5
    among: Count | None = None
    shard: str = "auto"
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    offload: Offload = "none"
    scheduler: str | None = None
    slicing: bool = False
    tiling: bool = False
    licence: str = "CC0-1.0"
    lock: str = "generators.lock.json"
    certificate: str | None = None
    key: str | None = None

    def identity(self, generator: Generator, device: str) -> Mapping[str, Any]:
        """All that decides what the pictures are; neither the shard nor where files lie."""
        said = {key: value for key, value in asdict(self).items() if key not in ("shard", "lock", "certificate", "key")}
        return {**said, "batch_size": self.batch_of(generator), "dtype": self.dtype_on(device)}

    def batch_of(self, generator: Generator) -> int:
        """Pictures a call of a generator."""
        side = generator.resolution or 1
        return self.batch_size or next((count for most, count in _BATCHES if side <= most), 1)

    def dtype_on(self, device: str) -> Dtype:
        """The dtype that `auto` stands for on a device."""
        if self.dtype != "auto":
            return self.dtype
        return "float32" if device == "cpu" or self.mode == "reconstruction" else "bfloat16"

    def painter(self, weights: Weights, device: str) -> Callable[[], Painter]:
        """What loads the pipeline and makes pictures, once it is called."""
        how = Loading(self.dtype_on(device), self.offload, self.scheduler, self.slicing, self.tiling)
        if self.mode == "image":
            return partial(FromImage, weights, device, how, self.strength)
        return partial(Reconstruct if self.mode == "reconstruction" else FromText, weights, device, how)

    def signer(self) -> Signer | None:
        """What signs each picture; None where no certificate is given."""
        if self.certificate and self.key:
            return Signer(self.certificate, self.key)
        if self.certificate or self.key:
            raise UserError("signing needs both render.certificate=FILE and render.key=FILE")
        return None
