import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.core.errors import DataError
from stepwell.data.tables import text as module
from stepwell.data.tables.text import read_text, text_lines


def refusal(path, encoding=None) -> str:
    with pytest.raises(DataError) as caught:
        read_text(path, encoding)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "encoding", "direct"),
    [
        (b"a,b\n1,2\n", "utf-8", True),
        (b"a,b\r\n1,2\r\n", "utf-8", True),
        (b"a,b\r1,2\r", "utf-8", False),
        (b"a,b\n1,2\r", "utf-8", False),
        ("\ufeffü\n".encode(), "utf-8-sig", True),
        ("ü\n".encode("utf-16"), "utf-16", False),
        ("ü\n".encode("cp1252"), "cp1252", False),
        (gzip.compress(b"a,b\n", mtime=0), "utf-8", False),
    ],
)
def test_encodings_are_found(tmp_path, content, encoding, direct):
    (tmp_path / "x").write_bytes(content)
    text = read_text(tmp_path / "x")
    assert (text.encoding, text.direct) == (encoding, direct)
    unpacked = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    assert text.size == len(unpacked)
    assert "".join(text.lines()).encode(encoding) == unpacked
    assert b"\r" not in text.content()


@given(content=st.text("aü€\r\n,", max_size=40), chunk=st.integers(1, 7))
def test_chunks_do_not_change_what_is_found(tmp_path_factory, content, chunk):
    path = tmp_path_factory.mktemp("text") / "x"
    path.write_bytes(content.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK", chunk)
        text = read_text(path)
    assert text.encoding == "utf-8"
    assert text.direct == ("\r" not in content.replace("\r\n", ""))
    assert list(text_lines(path, "utf-8", newline=None)) == content.replace("\r\n", "\n").replace(
        "\r", "\n"
    ).splitlines(True)


@pytest.mark.parametrize("chunk", [1, 3, 4, 5, 100])
def test_the_first_bad_byte_is_named_by_its_line(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(module, "_CHUNK", chunk)
    path = tmp_path / "x"
    path.write_bytes(b"\xc3\xbc\nab\nc\xff\n\xff")
    assert refusal(path, "utf-8").startswith(f"{path}, line 3: byte 0xFF is not text in utf-8.")
    path.write_bytes(b"a\nb\xc3")
    assert refusal(path, "utf-8").startswith(f"{path}, line 2: byte 0xC3 is not text in utf-8.")


def test_neither_utf8_nor_windows(tmp_path):
    path = tmp_path / "x"
    path.write_bytes("名前\n".encode("shift_jis") + b"\x81\n")
    assert "is text neither in UTF-8 nor in Windows-1252. Name the encoding" in refusal(path)


def test_zero_bytes_are_binary(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"a,b\n1,\x002\n")
    assert refusal(path).startswith(f"{path}, line 2: a zero byte stands here, as in binary files.")
    path.write_bytes("a\n".encode("utf-16-le"))
    assert "say --encoding utf-16-le (encoding='utf-16-le')" in refusal(path)
    assert list(read_text(path, "utf-16-le").lines()) == ["a\n"]


def test_a_text_that_is_cut_off(tmp_path):
    path = tmp_path / "x"
    path.write_bytes("ab\n".encode("utf-16") + b"x")
    assert refusal(path).startswith(f"{path}, line 2: byte 0x78 is not text in utf-16. It begins as such a text does")


def test_damaged_gzip(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(bytes(range(1, 200)) * 500)[:-20])
    assert "compressed with gzip, but damaged" in refusal(path)


def test_an_encoding_that_there_is_not(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"a\n")
    assert refusal(path, "utf-88").endswith("Did you mean 'utf-8'?")
    assert read_text(path, "UTF8").encoding == "utf-8"
