"""Every ready YAML of a source, on a tiny copy of its set with the columns that its card documents."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from redqueen.corpus.schema import Source
from redqueen.corpus.sources.rows import LEAVE_OUT
from redqueen.errors import UserError
from redqueen.files import configs
from redqueen.vocabulary import packaged

Row = Mapping[str, Any]
TEXT, WHOLE, REAL_NUMBER = datasets.Value("string"), datasets.Value("int64"), datasets.Value("float32")
FAKE = datasets.ClassLabel(names=["real", "fake"])

OPENFAKE = (  # `model` in v1 and in core/test of v2; real ones name their set
    "sd-1.5", "sd-1.5-dreamshaper", "sd-1.5-epicdream", "sd-2.1", "sdxl", "sdxl-epic-realism", "sdxl-juggernaut",
    "sdxl-realvis-v5", "sdxl-touchofrealism", "sd-3.5", "flux.1-dev", "flux.1-schnell", "flux-1.1-pro", "flux-realism",
    "flux-amateursnapshotphotos", "flux-mvc5000", "midjourney-6", "midjourney-7", "dalle-3", "imagen-3.0-002",
    "imagen-4.0", "gpt-image-1", "ideogram-3.0", "grok-2-image-1212", "hidream-i1-full", "recraft-v3", "mystic",
    "chroma", "gpt-image-1.5", "gpt-image-2", "nano-banana-pro", "seedream-v5.0", "flux.2-klein-9b", "z-image-turbo",
    "illustrious", "sora-2", "veo-3", "wan-video-2.5", "recraft-v2", "ideogram-2.0", "ernie-image",
    "ernie-image-turbo", "lumina-17-2-25", "aurora-20-1-25", "halfmoon-4-4-25", "frames-23-1-25",
)  # fmt: skip
AI_GENBENCH = (
    "CycleGAN", "Cascaded Refinement Networks", "ProGAN", "StarGAN", "SN-PatchGAN", "BigGAN", "IMLE", "StyleGAN1",
    "GauGAN", "StyleGAN2", "DDPM", "CIPS", "VQGAN", "GANformer", "ADM", "StyleGAN3", "LaMa", "FaceSynthetics",
    "ProjectedGAN", "Palette", "VQ-Diffusion", "Denoising Diffusion GAN", "Glide", "Latent Diffusion", "Midjourney",
    "MAT", "Diffusion GAN (ProjectedGAN)", "Diffusion GAN (StyleGAN2)", "Stable Diffusion 1.4", "Stable Diffusion 1.5",
    "Stable Diffusion 2.1", "DeepFloyd IF", "Stable Diffusion XL 1.0", "DALL-E 3", "FLUX 1 Dev", "FLUX 1 Schnell",
)  # fmt: skip
GENIMAGE = (
    "ADM", "BigGAN", "glide", "Midjourney", "stable_diffusion_v_1_4", "stable_diffusion_v_1_5", "VQDM", "wukong",
)  # fmt: skip
SYNTHBUSTER = (
    "dalle2", "dalle3", "firefly", "glide", "midjourney-v5", "stable-diffusion-1-3", "stable-diffusion-1-4",
    "stable-diffusion-2", "stable-diffusion-xl",
)  # fmt: skip
UNIVERSAL = (
    "guided", "dalle", "glide_50_27", "glide_100_10", "glide_100_27", "ldm_100", "ldm_200", "ldm_200_cfg",
)  # fmt: skip
NAMES: dict[str, Sequence[str]] = {
    "openfake": OPENFAKE,
    "ai-genbench": AI_GENBENCH,
    "genimage": GENIMAGE,
    "synthbuster": SYNTHBUSTER,
    "universalfakedetect": UNIVERSAL,
    "tiny-genimage": [str(number) for number in range(1, 9)],
    "defactify": [str(number) for number in range(1, 6)],
    "diffusiondb": ["stable-diffusion-1-4"],
}

# Card of the set -> features, rows, and what the first rows become: kind, generator, month, group.
_COMFOR = {
    "image_name": TEXT, "format": TEXT, "mode": TEXT, "image_data": datasets.Value("binary"), "model_name": TEXT,
    "prompt": TEXT, "real_source": TEXT, "subset": TEXT, "split": TEXT, "label": WHOLE,
}  # fmt: skip
_COMFOR_ROWS = [
    {
        "label": 1,
        "model_name": "stable-diffusion-v1-5/stable-diffusion-v1-5",
        "prompt": "a dog",
        "real_source": "LAION",
    },
    {"label": 1, "model_name": "somebody/fine-tune", "prompt": "", "real_source": "LAION"},
    {"label": 0, "model_name": "", "prompt": "", "real_source": "COCO"},
]
HUB: dict[str, tuple[dict[str, Any], list[dict[str, Any]], list[tuple[Any, ...]]]] = {
    "openfake": (
        {"image": datasets.Image(), "prompt": TEXT, "label": TEXT, "model": TEXT, "type": TEXT, "release_date": TEXT},
        [
            {"prompt": "a march", "label": "real", "model": "docci", "release_date": None},
            {"prompt": "a march", "label": "fake", "model": "gpt-image-1.5", "release_date": "2020-01-01"},
            {"prompt": "a vote", "label": "fake", "model": "somebodys-lora", "release_date": "2025-04-03"},
            {"prompt": "", "label": "fake", "model": "another-lora", "release_date": "spring"},
        ],
        [
            ("photo", None, None, "openfake/a march"),
            ("generated", "gpt-image-1-5", "2025-12", "openfake/a march"),
            ("generated", "somebodys-lora", "2025-04", "openfake/a vote"),
            ("generated", "another-lora", None, "openfake/test 3"),
        ],
    ),
    "ai-genbench": (
        {
            "image": datasets.Image(), "height": WHOLE, "width": WHOLE, "label": FAKE, "generator": TEXT,
            "file_id": TEXT, "description": TEXT, "positive_prompt": TEXT, "negative_prompt": TEXT,
            "conditioning": TEXT, "origin_dataset": TEXT, "paired_real_images": datasets.List(TEXT),
        },
        [
            {"label": 1, "generator": "FLUX 1 Dev", "file_id": "x/1", "positive_prompt": "p"},
            {"label": 1, "generator": "Midjourney", "file_id": "GenImage/Midjourney/train/ai/1", "positive_prompt": ""},
        ],
        [
            ("generated", "flux-1-dev", "2024-08", "ai-genbench/p"),
            ("generated", "midjourney-v5", "2023-03", "ai-genbench/GenImage/Midjourney/train/ai/1"),
        ],
    ),
    "community-forensics": (
        {**_COMFOR, "nsfw_flag": datasets.Value("bool")},
        [{**row, "nsfw_flag": False} for row in _COMFOR_ROWS] + [{**_COMFOR_ROWS[0], "nsfw_flag": True}],
        [
            ("generated", "stable-diffusion-1-5", "2022-10", "communityforensics/a dog"),
            ("generated", "somebody/fine-tune", None, "communityforensics/Systematic 1"),
            ("photo", None, None, "communityforensics/Systematic 2"),
        ],
    ),
    "community-forensics-small": (
        {**_COMFOR, "nsfw_flag": TEXT, "architecture": TEXT},
        [{**row, "nsfw_flag": flag} for row, flag in zip(_COMFOR_ROWS, ("False", "True", None), strict=True)],
        [
            ("generated", "stable-diffusion-1-5", "2022-10", "communityforensics-small/a dog"),
            ("photo", None, None, "communityforensics-small/train 2"),
        ],
    ),
    "community-forensics-eval": (
        {**_COMFOR, "nsfw_flag": TEXT, "architecture": TEXT},
        _COMFOR_ROWS,
        [
            ("generated", "stable-diffusion-1-5", "2022-10", "communityforensics-eval/a dog"),
            ("generated", "somebody/fine-tune", None, "communityforensics-eval/CompEval 1"),
            ("photo", None, None, "communityforensics-eval/CompEval 2"),
        ],
    ),
    "diffusiondb": (
        {
            "image": datasets.Image(), "prompt": TEXT, "seed": WHOLE, "step": WHOLE, "cfg": REAL_NUMBER,
            "sampler": TEXT, "width": WHOLE, "height": WHOLE, "user_name": TEXT, "timestamp": TEXT,
            "image_nsfw": REAL_NUMBER, "prompt_nsfw": REAL_NUMBER,
        },
        [{"prompt": "a castle", "seed": 3, "cfg": 7.5, "user_name": "0af3"}],
        [("generated", "stable-diffusion-1-4", "2022-08", "diffusiondb/0af3")],
    ),
    "defactify": (
        {"Image": datasets.Image(), "Label_A": WHOLE, "Label_B": WHOLE, "Caption": TEXT},
        [
            {"Label_A": 0, "Label_B": 0, "Caption": "a bus"},
            {"Label_A": 1, "Label_B": 4, "Caption": "a bus"},
        ],
        [("photo", None, None, "defactify/a bus"), ("generated", "dall-e-3", "2023-09", "defactify/a bus")],
    ),
    "tiny-genimage": (
        {
            "image": datasets.Image(),
            "label": FAKE,
            "generator": datasets.ClassLabel(
                names=["Real", "ADM", "BigGAN", "GLIDE", "Midjourney", "SD14", "SD15", "VQDM", "Wukong"]
            ),
        },
        [{"label": 0, "generator": 0}, {"label": 1, "generator": 7}],
        [
            ("photo", None, None, "tiny-genimage/train 0"),
            ("generated", "vq-diffusion", "2021-11", "tiny-genimage/train 1"),
        ],
    ),
}  # fmt: skip
TREES: dict[str, tuple[Sequence[str], list[tuple[Any, ...]]]] = {
    "genimage": (
        [
            "Midjourney/imagenet_midjourney/train/nature/n01440764_10026.JPEG",
            "Midjourney/imagenet_midjourney/val/ai/833_midjourney_160.png",
            "stable_diffusion_v_1_4/train/ai/000_sdv4_00001.png",
        ],
        [
            ("photo", None, None),
            ("generated", "midjourney-v5", "2023-03"),
            ("generated", "stable-diffusion-1-4", "2022-08"),
        ],
    ),
    "synthbuster": (
        ["synthbuster/dalle3/r000da54ft.png", "synthbuster/firefly/r000da54ft.png", "synthbuster/prompts.csv"],
        [("generated", "dall-e-3", "2023-09"), ("generated", "adobe-firefly", "2023-03")],
    ),
    "universalfakedetect": (
        ["diffusion_datasets/glide_50_27/1_fake/0.png", "diffusion_datasets/laion/0_real/0.jpg"],
        [("generated", "glide", "2021-12"), ("photo", None, None)],
    ),
}
GENERIC = ("chain", "debian", "field", "folder", "hub", "parquet", "wheels", "webdataset")  # tested by their own files


def _node(name: str, **settings: Any) -> Source:
    made: Source = instantiate(OmegaConf.merge(OmegaConf.load(configs() / "source" / f"{name}.yaml"), settings))
    return made


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


def test_every_yaml_is_tested_here_or_by_its_own_file() -> None:
    handmade = {path.stem for path in (configs() / "source").glob("*.yaml") if "sources." in path.read_text()}
    assert handmade - set(GENERIC) == {*HUB, *TREES, "deepfake-eval-2024"}


@pytest.mark.parametrize("name", HUB)
def test_a_hub_set_with_its_documented_columns(
    name: str, tmp_path: Path, scene: Any, encode: Callable[..., bytes]
) -> None:
    node = OmegaConf.load(configs() / "source" / f"{name}.yaml")
    features, rows, expected = HUB[name]
    column = str(node.rows.columns.get("image", "image"))
    data = [encode(scene(i, 16), "PNG") for i in range(len(rows))]
    binary = features[column] == datasets.Value("binary")
    full = [
        {**dict.fromkeys(features), **row, column: one if binary else {"bytes": one, "path": None}}
        for row, one in zip(rows, data, strict=True)
    ]
    split = str(node.get("split", "train"))
    file = str(node.get("data_files", f"{node.get('config') or 'data'}/{split}-0.parquet")).replace("*", "0")
    folder = tmp_path / node.path.rpartition("/")[2]
    datasets.Dataset.from_list(full, features=datasets.Features(features)).to_parquet(folder / file)
    (folder / "README.md").write_text(
        f"---\nconfigs:\n- config_name: {node.get('config') or 'default'}\n  data_files:\n"
        f"  - {{split: {split}, path: {file}}}\n---\n"
    )
    found = list(_node(name, path=str(folder)).pictures())
    assert [(p.kind, p.generator, p.released, p.group_id) for p in found] == expected
    assert all(picture.read() in data and picture.licence for picture in found)


@pytest.mark.parametrize("name", HUB)
def test_a_hub_set_is_pinned_or_says_how_to_pin_it(name: str) -> None:
    node = OmegaConf.load(configs() / "source" / f"{name}.yaml")
    if node.get("revision"):
        assert _node(name).fingerprint() == _node(name).fingerprint()
    else:
        with pytest.raises(Exception, match="/commits/main shows") as error:
            _node(name)
        assert isinstance(error.value.__cause__, UserError)


@pytest.mark.parametrize("name", TREES)
def test_a_set_of_folders(name: str, tmp_path: Path) -> None:
    files, expected = TREES[name]
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(file.encode())
    found = list(_node(name, path=str(tmp_path)).pictures())
    assert [(p.kind, p.generator, p.released) for p in found] == expected
    assert all(picture.read() == picture.name.encode() and picture.licence for picture in found)
    if name == "synthbuster":
        assert len({picture.group_id for picture in found}) == 1, "pictures after one photograph are a group"


def test_deepfake_eval_2024(tmp_path: Path) -> None:
    (tmp_path / "image-data").mkdir()
    (tmp_path / "image-data" / "a1.webp").write_bytes(b"one")
    table = "Filename,Ground Truth,Finetuning Set\na1.webp,Fake,Train\nb2.jpg,Real,Test\nc3.jpg,Unknown,Test\n"
    (tmp_path / "image-metadata-publish.csv").write_text(table)
    fake, real = _node("deepfake-eval-2024", path=str(tmp_path)).pictures()
    assert (fake.kind, fake.generator, fake.name, fake.licence) == ("generated", None, "a1.webp", "CC-BY-SA-4.0")
    assert fake.read() == b"one"
    assert (real.kind, real.provenance) == ("photo", {"Finetuning Set": "Test"})


@pytest.mark.parametrize("settings", [{}, {"path": "nowhere"}])
def test_the_gated_set_says_how_to_ask(settings: dict[str, str]) -> None:
    with pytest.raises(Exception, match="Deepfake-Eval-2024") as error:
        _node("deepfake-eval-2024", **settings)
    text = str(error.value.__cause__)
    assert "\n" not in text
    assert "is gated: ask for access at https://huggingface.co/datasets/nuriachandra/Deepfake-Eval-2024" in text
    assert "hf auth login" in text


@pytest.mark.parametrize(("name", "theirs"), [(name, theirs) for name, names in NAMES.items() for theirs in names])
def test_every_documented_name_is_a_dated_generator(name: str, theirs: str) -> None:
    """Or, where a set brings dates of its own, one that the vocabulary does not have yet."""
    rows = OmegaConf.load(configs() / "source" / f"{name}.yaml").rows
    ours = (rows.get("generators") or {}).get(theirs, theirs)
    if ours == LEAVE_OUT or theirs in UNDATED:
        return
    assert packaged().resolve(ours).released


UNDATED = ("seedream-v5.0",)  # documented names that have no entry; the list may only shrink


@pytest.mark.parametrize("name", UNDATED)
def test_names_without_an_entry_are_still_without_one(name: str) -> None:
    with pytest.raises(UserError):
        packaged().resolve(name)


@pytest.mark.parametrize("path", sorted((configs() / "source").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_generator_that_a_yaml_names_exists(path: Path) -> None:
    rows = OmegaConf.to_container(OmegaConf.load(path), resolve=False).get("rows") or {}
    named = [*(rows.get("generators") or {}).values(), *[(rows.get("constants") or {}).get("generator")]]
    for name in (name for name in named if name and name != LEAVE_OUT):
        assert packaged().resolve(name)
