"""Containers of bytes, made for tests by the standard library."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile


def zipped(members, method=zipfile.ZIP_DEFLATED):
    """A zip of files by name."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def tarred(members, form=tarfile.PAX_FORMAT):
    """A tar of files by name."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def lzma_alone(content):
    """The older format of lzma."""
    return lzma.compress(content, lzma.FORMAT_ALONE)


PACKERS = {
    "plain": lambda content: content,
    "gzip": lambda content: gzip.compress(content, mtime=0),
    "two gzips": lambda content: (
        gzip.compress(content[: len(content) // 2]) + gzip.compress(content[len(content) // 2 :])
    ),
    "bzip2": bz2.compress,
    "two bzip2": lambda content: bz2.compress(content[:7]) + bz2.compress(content[7:]),
    "xz": lzma.compress,
    "lzma": lzma_alone,
    "tar": lambda content: tarred({"a/house.csv": content}),
    "old tar": lambda content: tarred({"house.csv": content}, tarfile.USTAR_FORMAT),
    "tar of a long name": lambda content: tarred({"n" * 300 + ".csv": content}),
    "gnu tar of a long name": lambda content: tarred(
        {"n" * 300 + ".csv": content}, tarfile.GNU_FORMAT
    ),
    "tar.gz": lambda content: gzip.compress(tarred({"README": b"!", "house.csv": content})),
    "tar.bz2": lambda content: bz2.compress(tarred({"house.csv": content, "LICENSE.txt": b"!"})),
    "tar.xz": lambda content: lzma.compress(tarred({"house.csv": content})),
    "zip": lambda content: zipped({"house.csv": content, "readme.txt": "!"}),
    "stored zip": lambda content: zipped({"house.csv": content}, zipfile.ZIP_STORED),
    "zip of gzip": lambda content: zipped({"house.csv.gz": gzip.compress(content)}),
    "zip of zip": lambda content: zipped({"house.zip": zipped({"house.csv": content})}),
    "tar.gz of zip": lambda content: gzip.compress(
        tarred({"house.zip": zipped({"house.csv": content})})
    ),
    "zip of tar.gz": lambda content: zipped(
        {"house.tgz": gzip.compress(tarred({"house.csv": content}))}
    ),
}
"""Ways to pack a text, by name."""

NEEDS_FILE = ("zip", "stored zip", "zip of gzip", "zip of zip", "zip of tar.gz")
"""Those that cannot be read from a pipe."""
