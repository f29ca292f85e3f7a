"""Every trainer of configs/trainer is built here, or says in one line why this machine cannot have it."""

from functools import partial

import pytest
import pytorch_lightning as pl
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from pytorch_lightning.strategies import DDPStrategy, FSDPStrategy, SingleDeviceStrategy
from torch.utils.data import DataLoader

import stand_ins
from redqueen import resumable
from redqueen.errors import UserError
from redqueen.files import configs
from redqueen.settings import accepted, check
from redqueen.tasks.trainer import numerics, one_process, trainer
from redqueen.training.hardware import Hardware

BARE = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
CUDA = torch.cuda.is_available()
needs_none = pytest.mark.skipif(CUDA, reason="there is CUDA here")


def composed(*words):
    words = accepted(configs(), "train", words)
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(configs()), version_base="1.3"):
        cfg = compose("train", words)
    check(cfg)
    return cfg


def made(*words) -> pl.Trainer:
    return trainer(composed(*words))(**BARE)


@pytest.fixture(autouse=True)
def deterministic_as_before():
    before = torch.are_deterministic_algorithms_enabled()
    yield
    torch.use_deterministic_algorithms(before)


@pytest.fixture
def slurm(monkeypatch):
    """What srun sets for the first of two processes on each of two machines."""
    values = {"JOB_NUM_NODES": 2, "NNODES": 2, "NODEID": 0, "LOCALID": 0, "PROCID": 0, "NTASKS": 4, "JOB_ID": 7}
    for name, value in values.items():
        monkeypatch.setenv(f"SLURM_{name}", str(value))
    monkeypatch.setenv("SLURM_NTASKS_PER_NODE", "2")


@pytest.mark.parametrize("name", stand_ins.names("trainer"))
def test_each_is_built_or_says_why_not(name, slurm):
    try:
        found = made(f"trainer={name}")
    except UserError as error:
        assert not CUDA or name in ("ddp", "fsdp", "slurm")
        assert name not in ("auto", "cpu")
        assert str(error).startswith("trainer: ")
        assert "CUDAAccelerator" in str(error)
        assert "\n" not in str(error)
    else:
        assert isinstance(found, pl.Trainer)


def test_cpu_is_one_process_in_float32():
    found = made("trainer=cpu")
    assert isinstance(found.strategy, SingleDeviceStrategy)
    assert (found.world_size, found.precision, found.accumulate_grad_batches) == (1, "32-true", 1)
    assert torch.are_deterministic_algorithms_enabled()


def test_ddp_runs_on_cpus_as_well():
    found = made("trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2", "trainer.precision=32")
    assert isinstance(found.strategy, DDPStrategy)
    assert found.world_size == 2
    assert found.strategy._layer_sync is None  # Lightning's would drop the activations of timm's layers
    assert any(isinstance(one, Hardware) and one.sync_batchnorm for one in found.callbacks)


def test_accumulation_and_clipping_are_settings():
    found = made("trainer=cpu", "trainer.accumulate_grad_batches=4", "trainer.gradient_clip_val=0.5")
    assert (found.accumulate_grad_batches, found.gradient_clip_val) == (4, 0.5)


def test_slurm_counts_machines_and_leaves_requeueing_to_slurm(slurm):
    words = ("trainer=slurm", "trainer.accelerator=cpu", "trainer.devices=2", "trainer.precision=32")
    found = made(*words)
    assert (found.num_nodes, found.world_size) == (2, 4)
    assert found.strategy.cluster_environment.auto_requeue is False
    assert made(*words, "trainer.plugins.auto_requeue=true").strategy.cluster_environment.auto_requeue is True


def test_what_changes_the_weights_is_named():
    assert numerics(composed("trainer=cpu")) == {}
    found = numerics(composed("trainer=cpu", "trainer.gradient_clip_val=0.5", "trainer.precision=64"))
    assert found == {"trainer": {"gradient_clip_val": 0.5, "precision": 64}}


def test_several_processes_from_outside_are_refused(slurm):
    words = ("trainer.accelerator=cpu", "trainer.devices=2", "trainer.precision=32")
    with pytest.raises(UserError, match=r"^trainer: 4 processes were started from outside, .* use trainer=ddp on one"):
        one_process(trainer(composed("trainer=slurm", *words)))


def test_processes_that_it_starts_itself_are_not_refused():
    one_process(
        trainer(composed("trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2", "trainer.precision=32"))
    )
    one_process(trainer(composed("trainer=cpu")))


def test_slurm_outside_a_job_names_what_is_missing(monkeypatch):
    monkeypatch.delenv("SLURM_NODEID", raising=False)
    words = ("trainer=slurm", "trainer.accelerator=cpu", "trainer.devices=1")
    with pytest.raises(UserError, match="SLURM_NODEID is not set.*srun redqueen"):
        made(*words)


@needs_none
@pytest.mark.parametrize("words", [("trainer=gpu",), ("trainer=fsdp",), ("trainer=fsdp", "trainer.accelerator=cpu")])
def test_without_cuda_one_line_says_what_to_choose(words):
    with pytest.raises(UserError, match=r"trainer: .*; on this machine trainer=auto always works$"):
        made(*words)


@needs_none
def test_the_command_line_says_it_before_any_work(world, capfd):
    assert world.run("train", "trainer=gpu") == 2
    said = capfd.readouterr().err.strip().splitlines()
    assert said[-1].startswith("redqueen: trainer: ")
    assert not (world.folder / "runs" / "store").exists()


@pytest.mark.gpu
def test_fsdp_is_built_where_there_is_cuda():
    assert isinstance(made("trainer=fsdp", "trainer.devices=1").strategy, FSDPStrategy)


@pytest.mark.parametrize("name", ["gpu", "ddp", "fsdp", "slurm"])
def test_gpu_trainers_ask_for_bf16_and_channels_last(name):
    node = composed(f"trainer={name}").trainer
    assert node.precision == "bf16-mixed"
    assert node.callbacks.channels_last is True
    assert composed(f"trainer={name}", "trainer.callbacks.compile=default").trainer.callbacks.compile == "default"


class Convolution(pl.LightningModule):
    """One convolution that learns to give zeros, and that remembers how it saw its weights."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.network = torch.nn.Conv2d(3, 8, 3)
        self.seen = []

    def training_step(self, batch, batch_idx):
        self.seen.append(self.network.weight.is_contiguous(memory_format=torch.channels_last))
        return self.network(batch).square().mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def trained(folder, *callbacks):
    module = Convolution()
    pictures = torch.rand(8, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    settings = {"accelerator": "cpu", "logger": False, "enable_model_summary": False, "deterministic": True}
    runner = (
        partial(pl.Trainer, callbacks=list(callbacks), **settings) if callbacks else partial(pl.Trainer, **settings)
    )
    resumable.fit(runner, module, DataLoader(pictures, batch_size=4), folder, 4, 2)
    return module


def test_callbacks_of_the_settings_join_those_of_the_loop(tmp_path):
    class Counts(pl.Callback):
        steps = 0

        def on_train_batch_end(self, *_):
            self.steps += 1

    counts = Counts()
    trained(tmp_path, counts)
    assert counts.steps == 4
    assert (tmp_path / "last.ckpt").exists()


def test_channels_last_changes_the_layout_and_nothing_else(tmp_path):
    plain, laid_out = trained(tmp_path / "a"), trained(tmp_path / "b", Hardware(channels_last=True))
    assert plain.seen == [False] * 4
    assert laid_out.seen == [True] * 4
    assert list(plain.state_dict()) == list(laid_out.state_dict())
    torch.testing.assert_close(dict(plain.state_dict()), dict(laid_out.state_dict()))


def test_compilation_is_asked_of_the_network_in_place(monkeypatch):
    modes = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **settings: modes.append(settings))
    module = Convolution()
    Hardware(compile="max-autotune").setup(None, module, "fit")
    assert modes == [{"mode": "max-autotune"}]
    Hardware().setup(None, module, "fit")
    assert len(modes) == 1
