"""Hostile and damaged model folders: one small valid model, and what may be wrong with it.

`CASES` has a maker for each name, which turns a folder with a valid model into a hostile one.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Make = Callable[[Path], None]

UNITS = 3
SHAPES = {
    "layers/lstm/cell/vars/0": (1, 4 * UNITS),
    "layers/lstm/cell/vars/1": (UNITS, 4 * UNITS),
    "layers/lstm/cell/vars/2": (4 * UNITS,),
    "layers/dense/vars/0": (UNITS, 1),
    "layers/dense/vars/1": (1,),
}
KERNEL, BIAS = "layers/lstm/cell/vars/1", "layers/lstm/cell/vars/2"
WEIGHTS, CONFIG = "model.weights.h5", "config.json"

CASES: dict[str, Make] = {}


def config() -> dict[str, Any]:
    """The configuration of the valid model, without what the engines do not look at."""
    layers = [
        {"class_name": "InputLayer", "config": {"name": "input", "batch_shape": [None, None, 1]}},
        {
            "class_name": "LSTM",
            "config": {
                "name": "memory",
                "units": UNITS,
                "activation": "tanh",
                "recurrent_activation": "sigmoid",
                "use_bias": True,
                "return_sequences": False,
            },
        },
        {
            "class_name": "Dense",
            "config": {"name": "head", "units": 1, "activation": "linear", "use_bias": True},
        },
    ]
    return {"class_name": "Sequential", "config": {"name": "house", "layers": layers}}


@cache
def weights() -> bytes:
    """The weights of the valid model as an HDF5 file."""
    rng = np.random.default_rng(0)
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, shape in SHAPES.items():
            file[name] = rng.normal(0, 0.3, shape).astype(np.float32)
    return buffer.getvalue()


def card(model: bytes) -> dict[str, Any]:
    """The card of a model."""
    return {
        "name": "house",
        "window": 49,
        "target": "level",
        "outputs": ["mean"],
        "shift_kw": 1.0,
        "sha256": hashlib.sha256(model).hexdigest(),
        "trained_from": "2010-03-19T17:00:00",
        "trained_to": "2010-03-20T17:00:00",
        "test": {"minutes": 100, "mse_kw2": 0.1, "skill": 0.2, "by_month": {}},
        "limits": ["It has seen one house."],
    }


def packed(members: dict[str, bytes], **options: Any) -> bytes:
    """A zip archive of these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def members() -> dict[str, bytes]:
    """The members of the valid model."""
    return {CONFIG: json.dumps(config()).encode(), WEIGHTS: weights()}


def write(folder: Path, model: bytes | None = None, **changes: Any) -> None:
    """Write a model, with its card or a changed one.

    Args:
        folder: the folder.
        model: the bytes of `model.keras`; None for the valid model.
        changes: fields of the card; ``...`` leaves one out.
    """
    content = packed(members()) if model is None else model
    (folder / "model.keras").write_bytes(content)
    fields = {**card(content), **changes}
    fields = {key: value for key, value in fields.items() if value is not ...}
    (folder / "card.json").write_text(json.dumps(fields))


def _with_card(text: bytes) -> Make:
    return lambda folder: (write(folder), (folder / "card.json").write_bytes(text))[0]


def _with_members(**changed: bytes | None) -> Make:
    """A maker of a model with other members, named by their first word; None leaves one out."""
    names = {"config": CONFIG, "weights": WEIGHTS}

    def make(folder: Path) -> None:
        found = {**members(), **{names[name]: content for name, content in changed.items()}}
        kept = {name: content for name, content in found.items() if content is not None}
        write(folder, packed(kept))

    return make


def _with_config(change: Callable[[dict[str, Any]], object]) -> Make:
    def make(folder: Path) -> None:
        value = config()
        change(value)
        _with_members(config=json.dumps(value).encode())(folder)

    return make


def _setting(layer: int, **settings: Any) -> Make:
    return _with_config(lambda value: value["config"]["layers"][layer]["config"].update(settings))


def _with_weights(change: Callable[[h5py.File], object]) -> Make:
    def make(folder: Path) -> None:
        buffer = io.BytesIO(weights())
        with h5py.File(buffer, "r+") as file:
            change(file)
        _with_members(weights=buffer.getvalue())(folder)

    return make


def _replaced(name: str, make: Callable[[h5py.File, str], object]) -> Make:
    def change(file: h5py.File) -> None:
        del file[name]
        make(file, name)

    return _with_weights(change)


def _dataset(name: str = KERNEL, /, **options: Any) -> Make:
    return _replaced(name, lambda file, place: file.create_dataset(place, **options))


def _value(value: Any, name: str = KERNEL) -> Make:
    return _dataset(name, data=np.full(SHAPES[name], value, np.float64))


def _external(target: str) -> Make:
    size = 4 * int(np.prod(SHAPES[KERNEL]))
    return _dataset(shape=SHAPES[KERNEL], dtype="<f4", external=[(target, 0, size)])


def _external_pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    _external(str(folder / "pipe"))(folder)


def _virtual(file: h5py.File, name: str) -> None:
    layout = h5py.VirtualLayout(shape=SHAPES[name], dtype="<f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=SHAPES[name])
    file.create_virtual_dataset(name, layout)


def _reference(file: h5py.File, name: str) -> None:
    file.create_dataset(name, data=np.full(SHAPES[name], file.ref, dtype=h5py.ref_dtype))


def _null(file: h5py.File, name: str) -> None:
    file.create_dataset(name, data=h5py.Empty("<f4"))


def _named_type(file: h5py.File, name: str) -> None:
    file[name] = np.dtype("<f4")


def _linked_pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    link = h5py.ExternalLink(str(folder / "pipe"), "/x")
    _replaced(KERNEL, lambda file, name: file.__setitem__(name, link))(folder)


def _link(link: Any, name: str = KERNEL) -> Make:
    return _replaced(name, lambda file, place: file.__setitem__(place, link))


def _file(name: str, make: Callable[[Path], object]) -> Make:
    """A maker that replaces one file of a valid folder."""

    def change(folder: Path) -> None:
        write(folder)
        (folder / name).unlink()
        make(folder / name)

    return change


def _cut(share: float) -> Make:
    def make(folder: Path) -> None:
        whole = packed(members())
        write(folder, whole[: int(share * len(whole))])

    return make


def _flipped(find: Callable[[bytes], int]) -> Make:
    """A maker of a model with one bit flipped, and the card that belongs to it."""

    def make(folder: Path) -> None:
        whole = bytearray(packed(members()))
        whole[find(bytes(whole))] ^= 0x10
        write(folder, bytes(whole))

    return make


def _encrypted(folder: Path) -> None:
    whole = bytearray(packed(members()))
    for sign, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := whole.find(sign, at + 1)) >= 0:
            whole[at + offset] |= 1
    write(folder, bytes(whole))


def _deflated(name: str, size: int) -> Make:
    """A maker of a member of zeros that takes a thousandth of its size."""

    def make(folder: Path) -> None:
        found = {**members(), name: bytes(size)}
        write(folder, packed(found, compression=zipfile.ZIP_DEFLATED))

    return make


def _lying_size(folder: Path) -> None:
    """A member that unpacks to more than the archive says."""
    found = {**members(), WEIGHTS: bytes(20 << 20)}
    whole = bytearray(packed(found, compression=zipfile.ZIP_DEFLATED))
    for sign, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", whole, whole.rfind(sign) + offset, 1000)
    write(folder, bytes(whole))


def _many_members(folder: Path) -> None:
    write(folder, packed({**members(), **{f"assets/{i}": b"" for i in range(9_000)}}))


def _twice(folder: Path) -> None:
    buffer = io.BytesIO(packed(members()))
    with zipfile.ZipFile(buffer, "a") as archive:
        info = zipfile.ZipInfo(CONFIG)
        archive.filelist.append(info)
        archive.NameToInfo.pop(CONFIG)
        archive.filelist.remove(info)
        archive.writestr(CONFIG, b"{}")
    write(folder, buffer.getvalue())


def _zip64(folder: Path) -> None:
    """An end record that refers to a huge directory."""
    whole = packed(members())
    end = whole.rfind(b"PK\x05\x06")
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, *[1 << 40] * 4)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    write(folder, whole[:end] + record + locator + whole[end:])


def _bomb_chunk(folder: Path) -> None:
    """A compressed chunk that unpacks to far more than its dataset."""

    def change(file: h5py.File) -> None:
        del file[KERNEL]
        made = file.create_dataset(
            KERNEL, shape=SHAPES[KERNEL], dtype="<f4", chunks=SHAPES[KERNEL], compression="gzip"
        )
        made.id.write_direct_chunk((0, 0), zlib.compress(bytes(32 << 20)))

    _with_weights(change)(folder)


def _functional(**tensor: Any) -> Make:
    def change(value: dict[str, Any]) -> None:
        value["class_name"] = "Functional"
        for layer in value["config"]["layers"]:
            layer["inbound_nodes"] = [{"args": [{"config": tensor}]}]

    return _with_config(change)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


NOTHING: dict[str, Any] = {}
DEEP = b"[" * 100_000
NESTED = b'{"name": ' * 60 + b"1" + b"}" * 60

CASES |= {
    # Files
    "model is a pipe": _file("model.keras", os.mkfifo),
    "model is a folder": _file("model.keras", Path.mkdir),
    "model is a device": _file("model.keras", lambda path: path.symlink_to("/dev/zero")),
    "model is a broken link": _file("model.keras", lambda path: path.symlink_to("nowhere")),
    "model is another file": _file("model.keras", lambda path: path.symlink_to("/etc/passwd")),
    "model is empty": _file("model.keras", Path.touch),
    "model is a terabyte of nothing": _file("model.keras", _sparse),
    "card is a pipe": _file("card.json", os.mkfifo),
    "card is a folder": _file("card.json", Path.mkdir),
    "card is a device": _file("card.json", lambda path: path.symlink_to("/dev/zero")),
    "card is a broken link": _file("card.json", lambda path: path.symlink_to("nowhere")),
    "card is a terabyte of nothing": _file("card.json", _sparse),
    # Archive
    "zip is cut after a tenth": _cut(0.1),
    "zip is cut before its end": _cut(0.99),
    "zip is encrypted": _encrypted,
    "zip is compressed by bzip2": lambda folder: write(
        folder, packed(members(), compression=zipfile.ZIP_BZIP2)
    ),
    "zip is compressed by lzma": lambda folder: write(
        folder, packed(members(), compression=zipfile.ZIP_LZMA)
    ),
    "zip has no config": _with_members(config=None),
    "zip has no weights": _with_members(weights=None),
    "zip has 9,000 members": _many_members,
    "zip has a member twice": _twice,
    "zip has a directory of a terabyte": _zip64,
    "zip bomb of weights": _deflated(WEIGHTS, 40 << 20),
    "zip bomb of a config": _deflated(CONFIG, 40 << 20),
    "zip with a lying size": _lying_size,
    "bit flip in the config": _flipped(lambda whole: whole.find(b"Sequential") + 2),
    "bit flip in the weights": _flipped(lambda whole: whole.find(weights()) + 1000),
    "bit flip in the directory": _flipped(lambda whole: whole.find(b"PK\x01\x02") + 42),
    "bit flip in a local header": _flipped(lambda whole: whole.find(b"PK\x03\x04") + 26),
    # Configuration
    "config is nested deeply": _with_members(config=DEEP),
    "config is nested 60 levels": _with_members(config=NESTED),
    "config is a list": _with_members(config=b"[]"),
    "config is no JSON": _with_members(config=b"{"),
    "config is no text": _with_members(config=b"\xff\xfe\x00\xd8"),
    "config has a number of 5,000 digits": _with_members(config=b'{"a": ' + b"9" * 5000 + b"}"),
    "config has a NaN": _with_members(config=b'{"class_name": NaN}'),
    "config of another class": _with_config(lambda value: value.update(class_name="Bundle")),
    "config whose class is a number": _with_config(lambda value: value.update(class_name=3)),
    "config without layers": _with_config(lambda value: value["config"].pop("layers")),
    "config with layers as an object": _with_config(
        lambda value: value["config"].update(layers=NOTHING)
    ),
    "config with layers as numbers": _with_config(
        lambda value: value["config"].update(layers=[1, 2])
    ),
    "config with 1,000 layers": _with_config(
        lambda value: value["config"].update(layers=value["config"]["layers"] * 334)
    ),
    "config with 9 LSTM layers": _with_config(
        lambda value: value["config"]["layers"].extend(value["config"]["layers"][1:2] * 9)
    ),
    "layer of another class": _with_config(
        lambda value: value["config"]["layers"][1].update(class_name="\x1b[2JGRU")
    ),
    "layer of a class of its own": _with_config(
        lambda value: value["config"]["layers"][1].update(registered_name="evil>LSTM")
    ),
    "layer whose class is an object": _with_config(
        lambda value: value["config"]["layers"][1].update(class_name={"a": 1})
    ),
    "layer without settings": _with_config(
        lambda value: value["config"]["layers"][1].pop("config")
    ),
    "layer with settings as a list": _with_config(
        lambda value: value["config"]["layers"][1].update(config=[])
    ),
    "layer whose name is a number": _setting(1, name=7),
    "layer with an activation as an object": _setting(1, activation={"class_name": "Evil"}),
    "layer with sequences as text": _setting(1, return_sequences="yes"),
    "units as text": _setting(1, units="3"),
    "units of a fraction": _setting(1, units=3.5),
    "units of a truth value": _setting(1, units=True),
    "units below zero": _setting(1, units=-3),
    "a billion units": _setting(1, units=10**9),
    "a billion outputs": _setting(2, units=10**9),
    "a window of a billion": _setting(0, batch_shape=[None, 10**9, 1]),
    "a billion inputs": _setting(0, batch_shape=[None, None, 10**9]),
    "a batch shape of text": _setting(0, batch_shape="[1]"),
    "a batch shape of one": _setting(0, batch_shape=[1]),
    "functional without a history": _functional(),
    "functional with a history of numbers": _functional(keras_history=[1, 2]),
    "functional with a loop": _functional(keras_history=["head", 0, 0]),
    # Weights
    "weights are text": _with_members(weights=b"not hdf5"),
    "weights are empty": _with_members(weights=b""),
    "weights are cut": _with_members(weights=weights()[: len(weights()) // 2]),
    "weights without a layer": _with_weights(lambda file: file.__delitem__("layers/lstm")),
    "group instead of a dataset": _replaced(KERNEL, lambda file, name: file.create_group(name)),
    "dataset instead of a group": _replaced(
        "layers/lstm/cell", lambda file, name: file.create_dataset(name, data=[1.0])
    ),
    "type instead of a dataset": _replaced(KERNEL, _named_type),
    "soft link": _link(h5py.SoftLink("/layers/dense/vars/0")),
    "soft link to itself": _link(h5py.SoftLink("/" + KERNEL)),
    "soft link of a group": _link(h5py.SoftLink("/layers/dense"), "layers/lstm/cell"),
    "external link to a file": _link(h5py.ExternalLink("/etc/passwd", "/x")),
    "external link to a pipe": _linked_pipe,
    "external storage in a file": _external("/etc/passwd"),
    "external storage in a pipe": _external_pipe,
    "virtual dataset": _replaced(KERNEL, _virtual),
    "references": _replaced(KERNEL, _reference),
    "no values at all": _replaced(KERNEL, _null),
    "text as weights": _dataset(data=np.full(SHAPES[KERNEL], b"x", "S8")),
    "text of any length as weights": _dataset(
        data=np.full(SHAPES[KERNEL], "x", object), dtype=h5py.string_dtype()
    ),
    "whole numbers as weights": _dataset(data=np.ones(SHAPES[KERNEL], np.int32)),
    "complex numbers as weights": _dataset(data=np.ones(SHAPES[KERNEL], np.complex64)),
    "compound values as weights": _dataset(data=np.zeros(SHAPES[KERNEL], [("a", "<f4")])),
    "arrays as weights": _dataset(shape=SHAPES[KERNEL], dtype=np.dtype(("<f4", (1000,)))),
    "another shape": _dataset(data=np.ones((4 * UNITS, UNITS), np.float32)),
    "another number of dimensions": _dataset(data=np.ones(12 * UNITS, np.float32)),
    "a scalar": _dataset(data=np.float32(1.0)),
    "7.8 GB of a fill value": _dataset(shape=(1 << 16, 1 << 15), dtype="<f4", fillvalue=0.5),
    "7.8 GB in compressed chunks": _dataset(
        shape=(1 << 16, 1 << 15), dtype="<f4", chunks=(1 << 10, 1 << 10), compression="gzip"
    ),
    "a fill value instead of weights": _dataset(shape=SHAPES[KERNEL], dtype="<f4", fillvalue=0.5),
    "compressed weights": _dataset(
        data=np.ones(SHAPES[KERNEL], np.float32), chunks=SHAPES[KERNEL], compression="gzip"
    ),
    "bomb in a chunk": _bomb_chunk,
    "chunks larger than the weights": _dataset(
        data=np.ones(SHAPES[KERNEL], np.float32), chunks=(1 << 6, 1 << 9), maxshape=(None, None)
    ),
    "NaN in the weights": _value(np.nan),
    "infinity in the weights": _value(-np.inf),
    "3e38 in the weights": _value(3e38),
    "3e38 in a bias": _value(-3e38, BIAS),
    "1e300 in the weights": _value(1e300),
    # Cards
    "card is nested deeply": _with_card(DEEP),
    "card is nested 60 levels": _with_card(NESTED),
    "card is a list": _with_card(b"[]"),
    "card is empty": _with_card(b""),
    "card is no text": _with_card(b"\xff\xfe\x00\xd8"),
    "card has a number of 5,000 digits": _with_card(b'{"window": ' + b"9" * 5000 + b"}"),
    "card of other weights": partial(write, sha256="0" * 64),
    "card without a checksum": partial(write, sha256=...),
    "card with a checksum of another kind": partial(write, sha256="x" * 64),
    "card with a window of a billion": partial(write, window=10**9),
    "card with a window of 400 digits": partial(write, window=10**400),
    "card with a window of text": partial(write, window="49"),
    "card with a window of a fraction": partial(write, window=49.0),
    "card with a window of true": partial(write, window=True),
    "card with a window of zero": partial(write, window=0),
    "card with a shift of NaN": partial(write, shift_kw=float("nan")),
    "card with a shift of infinity": partial(write, shift_kw=float("inf")),
    "card with a shift of 3e38": partial(write, shift_kw=3e38),
    "card with a shift of 400 digits": partial(write, shift_kw=10**400),
    "card with a shift of text": partial(write, shift_kw="1"),
    "card with a name of a number": partial(write, name=3),
    "card with a name of a megabyte": partial(write, name="x" * (1 << 20)),
    "card with an empty name": partial(write, name=""),
    "card with another target": partial(write, target="\x1b[2J"),
    "card with outputs of text": partial(write, outputs="mean"),
    "card with outputs of numbers": partial(write, outputs=[0.5]),
    "card without a mean": partial(write, outputs=["0.5"]),
    "card with a level twice": partial(write, outputs=["mean", "0.5", "0.50"]),
    "card with a level of NaN": partial(write, outputs=["mean", "nan"]),
    "card with 1,000 outputs": partial(write, outputs=["mean"] * 1000),
    "card with more outputs than the model": partial(write, outputs=["mean", "0.5"]),
    "card with a time of text": partial(write, trained_from="yesterday"),
    "card with a time of a number": partial(write, trained_from=5),
    "card with a time of the year 9999": partial(write, trained_to="9999-12-31T23:59:00"),
    "card with scores of text": partial(write, test="good"),
    "card with minutes of text": partial(write, test={"minutes": "100"}),
    "card with a skill of text": partial(write, test={"skill": "high"}),
    "card with an error of 400 digits": partial(write, test={"mse_kw2": 10**400}),
    "card with months as a list": partial(write, test={"by_month": [1]}),
    "card with months of numbers": partial(write, test={"by_month": {"2010-03": 1}}),
    "card with houses as an object": partial(write, test={"houses": {"a": {}}}),
    "card with a house without a source": partial(write, test={"houses": [{"minutes": 5}]}),
    "card with training data of text": partial(write, data="mine"),
    "card with training houses as an object": partial(write, data={"houses": {"a": {}}}),
    "card with a training house of a number": partial(write, data={"houses": [{"source": 3}]}),
    "card with a training house of the year 1": partial(
        write, data={"houses": [{"source": "h", "trained_from": "0001-01-01"}]}
    ),
    "card with tested horizons of text": partial(write, test={"horizons": ["5"]}),
    "card with a tested horizon of a year": partial(
        write, test={"horizons": [{"minutes": 525_600}]}
    ),
    "card with a coverage above one": partial(
        write, horizons_test={"horizons": [{"minutes": 5, "coverage": 1.5}]}
    ),
    "card with limits of a number": partial(write, limits=3),
    "card with limits of objects": partial(write, limits=[{}]),
}
