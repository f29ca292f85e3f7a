"""A data set on the Hub, or one on disk in the same layout, as a stream: nothing is downloaded but what is read."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from huggingface_hub.errors import HfHubHTTPError

from redqueen.corpus.decode import MAX_BYTES
from redqueen.corpus.schema import SourcePicture
from redqueen.corpus.sources.parquet import stamps
from redqueen.corpus.sources.rows import Rows
from redqueen.errors import RejectedPictureError, UserError, unknown
from redqueen.files import digest_of

_COMMIT = re.compile(r"[0-9a-f]{40}")
_PAGE = "https://huggingface.co/datasets"
_TRANSPORT = tuple(base for base in HfHubHTTPError.__bases__ if issubclass(base, Exception))  # OSError among them


class Hub:
    """Streams one split, in its order, each picture as the bytes that the set holds.

    Args:
        path: OWNER/NAME on the Hub, or a folder on disk.
        rows: what the columns mean; its field `image` is the column of pictures, by default `image`.
        revision: the commit on the Hub, 40 hexadecimal digits; a folder on disk has none.
        config: configuration, for a set that has several.
        split: which split.
        data_files: files of the set, as a pattern, where its card does not say which.
        name: slug of the source; by default the last part of the path.
        limit: rows to read at most.

    Raises:
        UserError: no commit is given. `pictures` raises it for a set, configuration, split or column that does not
            exist, a gated set, and a Hub that does not answer.
    """

    def __init__(  # noqa: PLR0913  (as `datasets.load_dataset` has it)
        self,
        path: str,
        rows: Rows,
        revision: str | None = None,
        config: str | None = None,
        split: str = "train",
        *,
        data_files: str | None = None,
        name: str | None = None,
        limit: int | None = None,
    ) -> None:
        self.path, self.rows, self.revision = path, rows, revision
        self.config, self.split, self.data_files, self.limit = config, split, data_files, limit
        self.name = name or path.rstrip("/").rpartition("/")[2].lower()
        self.image = str(rows.columns.get("image", "image"))
        self.local = Path(path).expanduser().is_dir()
        if not self.local and not _COMMIT.fullmatch(revision or ""):
            given = f"source.revision={revision} is no commit" if revision else "source.revision has no value"
            raise UserError(
                f"{given}: give the 40 digits that {_PAGE}/{path}/commits/main shows, so that the set cannot change"
            )

    def fingerprint(self) -> str:
        """Digest of which rows of which commit are read, and of what they mean; of the files, for a folder on disk."""
        top = Path(self.path).expanduser()
        files = sorted(file for file in top.rglob("*") if file.is_file()) if self.local else []
        place = stamps(files) if self.local else [self.path, self.revision]
        return digest_of([place, self.config, self.split, self.data_files, self.limit, self.rows.fingerprint()])

    def pictures(self) -> Iterator[SourcePicture]:
        """Yield the rows of the split in its order, as far as they are wanted."""
        for number, row in enumerate(islice(self._stream(), self.limit)):
            read = partial(_encoded, row.pop(self.image))
            picture = self.rows.picture(row, f"{self.split} {number}", self.name, read)
            if picture is not None:
                yield picture

    def _stream(self) -> Iterator[dict[str, Any]]:
        import datasets  # noqa: PLC0415  (a second to import, and only pictures need it)
        from datasets.exceptions import DatasetsError  # noqa: PLC0415

        datasets.disable_progress_bars()
        try:
            builder = datasets.load_dataset_builder(
                str(Path(self.path).expanduser()) if self.local else self.path,
                self.config,
                data_files=self.data_files,
                revision=self.revision,
            )
            if not self.local and builder.hash != self.revision:  # an older copy, which `datasets` falls back to
                raise ConnectionError("only another commit of it is on this machine")
            stream = builder.as_streaming_dataset(split=self.split)
            columns = stream.column_names or list(next(iter(stream.take(1)), {}))
            self._check(columns)
            yield from stream.select_columns([*self._texts(), self.image]).decode(False)
        except (DatasetsError, *_TRANSPORT, ValueError, RuntimeError) as error:
            raise self._cure(error) from None

    def _texts(self) -> list[str]:
        return [column for column in self.rows.needed if column != self.image]

    def _check(self, columns: list[str]) -> None:
        self.rows.check(self.path, columns)
        if self.image not in columns:
            raise unknown(f"column of pictures in {self.path}:", self.image, columns)

    def _cure(self, error: Exception) -> UserError:
        """One line on what went wrong and what to do, from what the library says."""
        said = " ".join(str(error).split())
        for sign, setting in _SETTINGS.items():
            if sign in said:
                value = str(getattr(self, setting) or "")
                return unknown(f"source.{setting} of {self.path}:", value, _listed(said) - {value})
        cures = {} if self.local else _CURES
        cure = next((cure for sign, cure in cures.items() if sign in said), "")
        if not cure and isinstance(error, _TRANSPORT) and not self.local:
            cure = _NO_ANSWER
        text = (cure or "{path} cannot be read ({said}): fetch it again").format(
            path=self.path, page=f"{_PAGE}/{self.path}", revision=self.revision, said=said[:200]
        )
        return UserError(text)


# What `datasets` says, and what to do about it.
_SETTINGS = {"BuilderConfig": "config", "Config name is missing": "config", "Bad split": "split"}
_CURES = {
    "gated": "{path} is gated: ask for access at {page}, then log in with 'hf auth login' and run again",
    "Revision": "{path} has no commit {revision}: {page}/commits/main lists them",
    "scripts are no longer supported": (
        "{path} at {revision} is a script, which is never run: choose a commit of its branch refs/convert/parquet "
        "({page}/tree/refs%2Fconvert%2Fparquet) and source.data_files=CONFIG/SPLIT/*.parquet"
    ),
    "doesn't exist": "no data set {path}, or a private one ({said}): see {page}",
    "data files found": "{path} has no files that can be read: see {page}/tree/{revision} and set source.data_files",
}
_NO_ANSWER = (
    "the Hub does not answer for {path} ({said}): try again, unset HF_HUB_OFFLINE if it is set, or fetch the set "
    "elsewhere with 'hf download {path} --repo-type dataset --revision {revision} --local-dir FOLDER' and give "
    "source.path=FOLDER"
)


def _encoded(value: Mapping[str, Any] | bytes | None) -> bytes:
    data = value.get("bytes") if isinstance(value, Mapping) else value
    if data is None and isinstance(value, Mapping) and value.get("path"):
        path = Path(str(value["path"]))
        data = path.read_bytes() if path.is_file() else None
    if not data:
        raise RejectedPictureError("the row holds no picture")
    if len(data) > MAX_BYTES:
        raise RejectedPictureError(f"{len(data)} bytes; at most {MAX_BYTES} are read")
    return bytes(data)


def _listed(said: str) -> set[str]:
    """The names between quotation marks, of which a message of `datasets` says that they exist."""
    return set(re.findall(r"'([^']+)'", said))
