from __future__ import annotations

import itertools

import pytest

av = pytest.importorskip("av")

import clips  # noqa: E402
import numpy as np  # noqa: E402
from clips import BLUE, RED, Squares, moving  # noqa: E402

from hasnet_cli import factory  # noqa: E402


@pytest.fixture
def squares(monkeypatch):
    fake = Squares()
    monkeypatch.setattr(factory, "load_pipeline", lambda *_: fake)
    return fake


@pytest.fixture
def video(run, site, squares, tmp_path):
    site.install("pencil")

    def call(source, out="out.mp4", *more):
        target = tmp_path / out
        result = run("video", source, "--domain", "pencil", "-o", target, *more)
        return result, target

    return call


def test_each_frame_has_its_avatar_and_its_time(video, tmp_path):
    source = clips.write(tmp_path / "in.mp4", moving(12))
    result, out = video(source)
    assert (result.code, result.out) == (0, f"{out}\n"), result.err
    frames, times = clips.read(out)
    before, expected = clips.read(source)
    assert times == pytest.approx(expected)
    for a, b, i in zip(frames, before, range(12), strict=True):
        middle = (44, 34 + i)
        assert np.abs(a[middle].astype(int) - RED).max() > 40  # an avatar
        assert np.abs(a[:, 120:].astype(int) - b[:, 120:]).mean() < 3  # the rest of the frame


# --------------------------------------------------------------------------------- what is kept


def test_variable_times_sound_and_rotation_are_kept(video, tmp_path):
    times = [0, 40, 100, 300, 333, 700]

    def turned(stream):
        stream.set_display_rotation(90)

    source = clips.write(
        tmp_path / "in.mp4", moving(6), times=times, sound=True, prepare=turned
    )
    result, out = video(source)
    assert result.code == 0, result.err
    frames, found = clips.read(out)
    assert frames[0].shape == (160, 96, 3)  # upright in its pixels
    assert found == pytest.approx([t / 1000 for t in times], abs=1e-3)
    with av.open(str(out)) as a, av.open(str(source)) as b:
        assert next(a.decode(video=0)).rotation == 0
    with av.open(str(out)) as a, av.open(str(source)) as b:
        sounds = [[bytes(p) for p in c.demux(audio=0) if p.dts is not None] for c in (a, b)]
    assert sounds[0] and sounds[0] == sounds[1]


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mkv"])
def test_odd_sizes_are_kept(video, tmp_path, suffix):
    frames = [one[:91, :155] for one in moving(3)]
    source = clips.write(tmp_path / "in.mkv", frames, codec="ffv1", pixels="bgr0", options={})
    result, out = video(source, "out" + suffix)
    assert result.code == 0, result.err
    assert [one.shape for one in clips.read(out)[0]] == [(91, 155, 3)] * 3


@pytest.mark.parametrize("matrix", [1, 6])
@pytest.mark.parametrize("full", [False, True])
def test_matrix_and_range_are_understood(video, tmp_path, matrix, full):
    def coded(stream):
        stream.codec_context.colorspace = matrix
        stream.codec_context.color_range = 2 if full else 1

    patches = np.zeros((96, 160, 3), np.uint8)
    for i, colour in enumerate([(250, 250, 250), (10, 200, 30), (200, 180, 20), (128, 128, 128)]):
        patches[:, 40 * i : 40 * i + 40] = colour
    patches[20:68, 10:58] = RED
    source = tmp_path / "in.mp4"
    with av.open(str(source), "w") as out:
        stream = out.add_stream("libx264", rate=10, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv444p"
        coded(stream)
        one = av.VideoFrame.from_ndarray(patches, format="rgb24").reformat(
            format="yuv444p", dst_colorspace={1: 1, 6: 5}[matrix],
            src_color_range=2, dst_color_range=2 if full else 1,
        )  # fmt: skip
        out.mux(stream.encode(one))
        out.mux(stream.encode(None))
    result, folder = video(source, "frames")
    assert result.code == 0, result.err
    from hasnet_models import image_io

    seen = image_io.read(folder / "000001.png").rgb
    for x in (70, 100, 140):
        assert np.abs(seen[90, x].astype(int) - patches[90, x]).max() <= 4


def test_ten_bits_are_brought_to_eight_and_hdr_is_refused(video, tmp_path):
    deep = clips.write(tmp_path / "deep.mp4", moving(2), pixels="yuv420p10le")
    assert video(deep)[0].code == 0

    def pq(stream):
        stream.codec_context.color_trc = 16

    hdr = clips.write(tmp_path / "hdr.mp4", moving(2), pixels="yuv420p10le", prepare=pq)
    result, out = video(hdr, "hdr-out.mp4")
    assert result.code == 1 and "is HDR (PQ)" in result.err and not out.exists()


def test_what_the_container_cannot_hold_is_said(video, tmp_path):
    source = clips.write(tmp_path / "in.mp4", moving(3), sound=True)
    result, out = video(source, "out.webm")
    assert result.code == 0 and "aac do not fit into .webm" in result.err
    with av.open(str(out)) as container:
        assert not container.streams.audio


SUBTITLES = (("Grüß Gott", 100, 500), ("and goodbye", 700, 400))


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_subtitles_are_copied(video, tmp_path, suffix):
    source = clips.write(
        tmp_path / f"in{suffix}", moving(12), sound=suffix == ".mp4", subtitles=SUBTITLES
    )
    assert clips.read_subtitles(source) == list(SUBTITLES)
    result, out = video(source, f"out{suffix}")
    assert result.code == 0, result.err
    assert clips.read_subtitles(out) == list(SUBTITLES)
    with av.open(str(out)) as container:
        assert container.streams.subtitles[0].metadata["language"] == "eng"
        assert len(container.streams.audio) == (suffix == ".mp4")


def test_a_subtitle_that_outlasts_the_pictures_is_no_damage(video, tmp_path):
    source = clips.write(tmp_path / "in.mkv", moving(6), subtitles=(("The end", 300, 9_000),))
    result, out = video(source, "out.mkv")
    assert (result.code, len(clips.read(out)[0])) == (0, 6), result.err
    assert clips.read_subtitles(out) == [("The end", 300, 9_000)]


def test_subtitles_that_do_not_fit_are_left_out_in_one_sentence(video, tmp_path):
    source = clips.write(tmp_path / "in.mkv", moving(3), subtitles=SUBTITLES)
    result, out = video(source)
    assert result.code == 0 and "Subtitles in srt do not fit into .mp4" in result.err
    with av.open(str(out)) as container:
        assert not container.streams.subtitles


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_animations_in_and_out(video, tmp_path, suffix):
    from PIL import Image

    frames = [Image.fromarray(one) for one in moving(4, step=6)]
    source, spans = tmp_path / ("in" + suffix), [100, 50, 200, 70]
    frames[0].save(source, save_all=True, append_images=frames[1:], duration=spans, loop=0)
    result, out = video(source, "out" + suffix)
    assert result.code == 0, result.err
    with Image.open(out) as image:
        assert image.n_frames == 4 and image.info.get("loop") == 0
        durations = []
        for number in range(4):
            image.seek(number)
            image.load()
            durations.append(round(image.info["duration"]))
    assert durations == spans


def test_a_folder_of_frames_in_and_out(video, tmp_path):
    from hasnet_models import image_io

    folder = tmp_path / "frames"
    folder.mkdir()
    for number, rgb in zip((8, 9, 10, 11), moving(4, step=10), strict=True):
        image_io.write(rgb, folder / f"f{number}.png")
    result, out = video(folder, "drawn")
    assert result.code == 0, result.err
    assert sorted(p.name for p in out.iterdir()) == ["f10.png", "f11.png", "f8.png", "f9.png"]
    assert image_io.read(out / "f10.png").rgb[44, 44 + 10].tolist() != list(RED)
    assert video(folder, "out.mp4", "--fps", "5")[0].code == 0
    assert clips.read(tmp_path / "out.mp4")[1] == pytest.approx([0, 0.2, 0.4, 0.6])


def test_the_record_is_in_the_container(video, run, tmp_path):
    source = clips.write(tmp_path / "in.mp4", moving(3))
    for suffix in (".mp4", ".mkv", ".webm"):
        _, out = video(source, "out" + suffix, "--boil", "12")
        result = run("explain", out)
        assert result.code == 0, result.err
        assert "hasnet video in.mp4 --domain pencil" in result.out
        assert "--boil 12" in result.out and "--paste" not in result.out


def test_crop_gives_the_face_alone(video, tmp_path):
    source = clips.write(tmp_path / "in.mp4", moving(3))
    result, out = video(source, "out.mp4", "--crop", "--size", "64")
    assert result.code == 0, result.err
    assert clips.read(out)[0][0].shape == (64, 64, 3)


# -------------------------------------------------------------------------------- who is who


def references(squares):
    return [name for name, _ in squares.rendered]


def test_each_person_keeps_its_reference_through_a_cut(video, squares, tmp_path):
    red, blue = moving(6), [clips.frame((BLUE, 90, 30), ground=(200, 190, 90))] * 6
    source = clips.write(tmp_path / "in.mp4", [*red, *blue, *moving(6, start=60)])
    random = ("--reference", "random", "--seed", "3")
    assert video(source, "out.mp4", "--face", "all", *random)[0].code == 0
    found = references(squares)
    assert len(found) == 18
    assert len(set(found[:6])) == len(set(found[6:12])) == 1
    assert found[0] == found[12] == found[17]


def test_a_number_is_counted_where_there_are_so_many(video, squares, tmp_path):
    both = [clips.frame((RED, 10 + i, 20), (BLUE, 100 - i, 20)) for i in range(12)]
    source = clips.write(tmp_path / "in.mp4", [*moving(2), *both])
    result, out = video(source, "out.mp4", "--face", "2")
    assert result.code == 0, result.err
    frames, before = clips.read(out)[0], clips.read(source)[0]
    assert np.abs(frames[-1][44, 30].astype(int) - before[-1][44, 30]).max() < 12  # red stays
    assert np.abs(frames[-1][44, 113].astype(int) - before[-1][44, 113]).max() > 40


def test_a_face_lost_for_a_moment_does_not_jump(video, squares, tmp_path):
    frames = [clips.frame((RED, 20 + i, 20)) for i in range(20)]
    source = clips.write(tmp_path / "in.mp4", frames, rate=25)
    squares.blind = {8, 9, 10}
    result, out = video(source)
    assert result.code == 0, result.err
    drawn = [one[44, 44 + i].astype(int) for i, one in enumerate(clips.read(out)[0])]
    assert max(np.abs(a - b).max() for a, b in itertools.pairwise(drawn)) < 12


def test_no_face_for_seconds_gives_the_frames_back(video, squares, tmp_path):
    frames = [*moving(4), *([clips.frame()] * 20), *moving(4)]
    source = clips.write(tmp_path / "in.mp4", frames)
    result, out = video(source)
    assert result.code == 0, result.err
    assert len(squares.rendered) >= 8
    assert np.abs(clips.read(out)[0][18].astype(int) - frames[18]).mean() < 3


def test_no_face_at_all_is_4(video, tmp_path):
    source = clips.write(tmp_path / "in.mp4", [clips.frame()] * 3)
    result, out = video(source)
    assert result.code == 4 and "No face found in in.mp4." in result.err
    assert not out.exists() and not list(tmp_path.glob(".*.hasnet"))


def test_a_blend_of_two_shots_ends_with_the_other_person(video, squares, tmp_path):
    a, b = clips.frame((RED, 30, 20)).astype(float), clips.frame((BLUE, 30, 20)).astype(float)
    blend = [(a + (b - a) * min(i / 15, 1)).astype(np.uint8) for i in range(40)]
    source = clips.write(tmp_path / "in.mp4", blend)
    random = ("--reference", "random", "--seed", "3")
    assert video(source, "out.mp4", "--face", "all", *random)[0].code == 0
    assert len(set(references(squares))) == 2


# ---------------------------------------------------------------------------------- going on


@pytest.fixture
def short_pieces(monkeypatch):
    from hasnet_models.video import run

    monkeypatch.setattr(run, "SECONDS", 0.5)


class Killed(BaseException):
    """Nobody catches it."""


def test_a_killed_run_goes_on_to_the_same_frames(
    video, squares, tmp_path, monkeypatch, short_pieces
):
    from hasnet_models.video.run import Run

    source = clips.write(tmp_path / "in.mp4", moving(20), sound=True)
    whole = clips.read(video(source, "whole.mp4")[1])
    squares.rendered.clear()
    with monkeypatch.context() as patched:
        patched.setattr(Run, "_save_what_is_done", lambda self: None)
        squares.fuse = (13, Killed())
        assert video(source)[0].code == 1
    assert not (tmp_path / "out.mp4").exists()
    squares.fuse = None
    squares.rendered.clear()
    result, out = video(source)
    assert result.code == 0 and "Going on after 10 frames" in result.err
    assert len(squares.rendered) == 10
    again = clips.read(out)
    assert again[1] == whole[1]
    assert all((a == b).all() for a, b in zip(again[0], whole[0], strict=True))
    assert not list(tmp_path.glob(".*.hasnet"))


def test_an_interrupted_run_leaves_what_can_be_played(video, squares, tmp_path, short_pieces):
    source = clips.write(tmp_path / "in.mp4", moving(20), sound=True)
    squares.fuse = (13, KeyboardInterrupt())
    result, out = video(source)
    assert result.code == 130 and "What was finished is in" in result.err
    frames, _ = clips.read(out)
    assert 10 <= len(frames) < 20
    with av.open(str(out)) as container:
        last = max(p.pts * p.time_base for p in container.demux(audio=0) if p.pts is not None)
    assert last <= len(frames) / 10 + 0.2
    squares.rendered.clear()
    squares.fuse = (0, KeyboardInterrupt())  # at once, before anything is added
    assert video(source)[0].code == 130 and len(clips.read(out)[0]) == 10
    squares.fuse = None
    assert video(source)[0].code == 0 and len(clips.read(out)[0]) == 20


def test_a_second_run_on_one_output_is_refused(video, squares, tmp_path):
    from hasnet_models.locking import held

    source = clips.write(tmp_path / "in.mp4", moving(3))
    with held(tmp_path / ".out.mp4.hasnet.lock"):
        result, _ = video(source)
    assert result.code == 2 and "Another run is writing" in result.err and not squares.rendered


def test_other_options_begin_anew(video, squares, tmp_path, short_pieces):
    source = clips.write(tmp_path / "in.mp4", moving(20))
    squares.fuse = (13, KeyboardInterrupt())
    video(source)
    squares.fuse = None
    result, _ = video(source, "out.mp4", "--boil", "12")
    assert result.code == 0 and "Going on" not in result.err


# ---------------------------------------------------------------------------------- bad input


def one_sentence(result, code=1):
    assert result.code == code
    assert "Traceback" not in result.err and result.err.startswith("hasnet: ")
    return result.err


def test_one_frame(video, tmp_path):
    source = clips.write(tmp_path / "in.mp4", moving(1))
    result, out = video(source)
    assert result.code == 0 and len(clips.read(out)[0]) == 1


def test_zero_bytes(video, tmp_path):
    (tmp_path / "in.mp4").write_bytes(b"")
    assert "empty (zero bytes)" in one_sentence(video(tmp_path / "in.mp4")[0])


@pytest.mark.parametrize("content", [b"no clip at all" * 99, bytes(4000)])
def test_noise(video, tmp_path, content):
    (tmp_path / "in.mp4").write_bytes(content)
    assert "in.mp4 cannot be read" in one_sentence(video(tmp_path / "in.mp4")[0])


def test_a_file_that_is_not_there(video, tmp_path):
    assert "There is no file" in one_sentence(video(tmp_path / "in.mp4")[0], 2)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_still_with_the_name_of_a_clip(video, tmp_path, suffix):
    from hasnet_models import image_io

    image_io.write(moving(1)[0], tmp_path / ("x" + suffix))
    (tmp_path / ("x" + suffix)).rename(tmp_path / "in.mp4")
    said = one_sentence(video(tmp_path / "in.mp4")[0])
    assert "is a still picture" in said and "hasnet avatar" in said


def test_a_truncated_file_gives_what_can_be_read(video, tmp_path):
    source = clips.write(tmp_path / "in.mkv", moving(40), options={"crf": "5", "g": "5"})
    data = source.read_bytes()
    source.write_bytes(data[: len(data) * 6 // 10])
    result, out = video(source)
    assert result.code == 3 and "cut off" in result.err
    assert 5 < len(clips.read(out)[0]) < 40


def test_an_mp4_without_its_index(video, tmp_path):
    source = clips.write(tmp_path / "in.mp4", moving(10))
    source.write_bytes(source.read_bytes()[:2000])
    one_sentence(video(source)[0])


def test_damage_in_the_middle_is_passed_over(video, tmp_path):
    source = clips.write(tmp_path / "in.mkv", moving(30), options={"crf": "5", "g": "1"})
    data = bytearray(source.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 300] = bytes(300)
    source.write_bytes(data)
    result, out = video(source)
    assert result.code in (0, 3) and len(clips.read(out)[0]) > 10


def test_a_header_that_claims_too_much(video, tmp_path, monkeypatch):
    source = clips.write(tmp_path / "in.mkv", moving(3), codec="ffv1", pixels="bgr0", options={})
    monkeypatch.setenv("HASNET_MAX_PIXELS", "5000")
    said = one_sentence(video(source)[0])
    assert "160x96 pixels a frame, more than the limit of 5000" in said


def test_a_gif_that_claims_the_largest_size(video, tmp_path):
    from PIL import Image

    source = tmp_path / "in.gif"
    frames = [Image.fromarray(one) for one in moving(2)]
    frames[0].save(source, save_all=True, append_images=frames[1:])
    data = bytearray(source.read_bytes())
    data[6:10] = b"\xff\xff\xff\xff"
    source.write_bytes(data)
    assert "65535x65535" in one_sentence(video(source)[0])


def test_a_codec_that_is_not_built_in(video, tmp_path):
    source = clips.write(tmp_path / "in.mp4", moving(3))
    source.write_bytes(source.read_bytes().replace(b"avc1", b"zzzz").replace(b"avcC", b"zzzC"))
    one_sentence(video(source)[0])


def test_sound_alone(video, tmp_path):
    source = tmp_path / "in.mka"
    with av.open(str(source), "w", format="matroska") as out:
        clips._hum(out, out.add_stream("aac", rate=8000, layout="mono"), 1)
    assert "holds no moving picture" in one_sentence(video(source)[0])


def test_an_input_is_never_written_over(video, tmp_path):
    source = clips.write(tmp_path / "in.mp4", moving(2))
    before = source.read_bytes()
    assert "never written over" in one_sentence(video(source, "in.mp4")[0], 2)
    assert source.read_bytes() == before


@pytest.mark.parametrize(
    ("out", "more", "said"),
    [
        ("out.avi", (), "names no clip"),
        ("no/out.mp4", (), "There is no folder"),
        ("out.mp4", ("--crop", "--face", "all"), "Several avatars"),
        ("out.mp4", ("--background", "transparent"), "cannot be transparent"),
        ("out.mp4", ("--boil", "often"), "neither off nor a number"),
    ],
)
def test_what_cannot_be_is_refused_first(video, squares, tmp_path, out, more, said):
    source = clips.write(tmp_path / "in.mp4", moving(2))
    result, _ = video(source, out, *more)
    assert result.code == 2 and said in result.err and not squares.rendered


def test_a_full_disk(video, run, squares, tmp_path, small_disk, short_pieces):
    rng = np.random.default_rng(1)
    noise = [rng.integers(0, 255, (96, 160, 3), dtype=np.uint8) for _ in range(40)]
    for i, one in enumerate(noise):
        one[20:68, 10 + i : 58 + i] = RED
    source = clips.write(tmp_path / "in.mp4", noise)
    result, _ = video(source, "disk/out.mp4", "--quality", "100")
    said = one_sentence_after_notes(result)
    assert "cannot be written" in said and "the same command goes on" in said
    pieces = sorted((small_disk / ".out.mp4.hasnet").glob("*.mp4"))
    assert pieces and clips.read(pieces[0])[0]


def one_sentence_after_notes(result):
    assert result.code == 1 and "Traceback" not in result.err
    return result.err
