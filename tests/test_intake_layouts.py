"""The public layouts, on tiny files of their shape."""

import numpy as np
import pytest
from folders import interactions, write, write_all
from test_intake import same

from funnel.errors import InputError
from funnel.intake.load import content, load

ARTISTS = range(51, 62)


def hetrec(**more: str) -> dict[str, str]:
    """Two listeners of eleven artists, friends in both directions, and four tags."""
    plays = "".join(f"{user}\t{artist}\t{artist * user}\n" for user in (2, 3) for artist in ARTISTS)
    tags = ["2\t52\t13\t1\t4\t2009", "2\t52\t15\t1\t4\t2009", "3\t51\t13\t1\t1\t1956", "3\t99\t13\t1\t5\t2010"]
    return {
        "user_artists.dat": "userID\tartistID\tweight\n" + plays,
        "user_friends.dat": "userID\tfriendID\n2\t3\n3\t2\n",
        "user_taggedartists.dat": "userID\tartistID\ttagID\tday\tmonth\tyear\n" + "\n".join(tags),
        **more,
    }


def test_hetrec_has_counts_friends_and_timed_events(tmp_path):
    mixed = 'id\tname\n51\t"été\n'.encode("latin-1")
    data = load(write_all(tmp_path / "lastfm", {**hetrec(), "artists.dat": mixed}))
    assert (data.layout, data.measure, data.users, data.items) == ("hetrec", "count", 2, 11)
    assert [path.name for path in data.files] == ["user_artists.dat", "user_friends.dat", "user_taggedartists.dat"]
    assert data.weight[:2].tolist() == [102, 104]
    assert data.time is None
    assert data.friends.tolist() == [[0, 1]]
    assert data.creator.tolist() == list(range(11))
    april_2009 = 1_238_544_000
    assert [part.tolist() for part in data.events] == [[0], [1], [april_2009]]
    assert [(drop.rule, drop.rows) for drop in data.dropped] == [
        ("`year` should be 2002, when the site opened, or later", 1),
        ("an event should be of a user and an item with interactions to be of use", 1),
    ]


def test_hetrec_without_its_tags_has_no_events(tmp_path):
    files = hetrec()
    del files["user_taggedartists.dat"]
    assert load(write_all(tmp_path / "lastfm", files)).events is None


def test_a_tag_of_no_day_is_a_bad_row(tmp_path):
    files = hetrec()
    files["user_taggedartists.dat"] += "\n2\t52\t13\t31\t2\t2009\n"
    folder = write_all(tmp_path / "lastfm", files)
    with pytest.raises(InputError) as caught:
        load(folder)
    assert str(caught.value) == (
        f"{folder / 'user_taggedartists.dat'}: `day`, `month` and `year` should be a date. Found 1 row against it "
        "(row 5). Correct the file, or run with --lenient, which drops it."
    )


RATINGS = [(user, item, 1 + (user + item) % 5, 881250949 + user + item) for user in (196, 22) for item in range(1, 12)]


def rated(separator: str = "\t") -> str:
    return "".join(separator.join(map(str, row)) + "\n" for row in RATINGS)


def test_both_forms_of_movielens_are_the_same_ratings(tmp_path):
    header = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
    atomic = load(
        write_all(tmp_path / "atomic", {"ml-100k.inter": header + rated(), "ml-100k.item": "item_id:token\n"})
    )
    classic = load(write_all(tmp_path / "classic", {"u.data": rated()}))
    assert same(atomic, classic)
    assert (atomic.layout, atomic.measure, atomic.users, atomic.items) == ("movielens", "rating", 2, 11)
    assert atomic.user_ids.tolist() == ["22", "196"]
    assert atomic.friends is None
    assert (atomic.weight[0], atomic.time[0]) == (1 + 23 % 5, 881250949 + 23)
    assert np.array_equal(atomic.events[2], atomic.time)


def test_movielens_with_both_forms_is_told_to_keep_one(tmp_path):
    folder = write_all(tmp_path / "ml", {"u.data": rated(), "ml-100k.inter": rated()})
    with pytest.raises(InputError) as caught:
        load(folder)
    assert str(caught.value) == (
        f"{folder}: should hold one table of ratings. Found ml-100k.inter, u.data. Keep one of them."
    )


def kuairand(**more: str) -> dict[str, str]:
    """Two users, twelve videos; every third impression is no long view."""
    header = "user_id,video_id,date,hourmin,time_ms,is_click,is_like,long_view,play_time_ms,duration_ms,tab\n"
    row = "{},{},20220421,400,{},1,0,{},9,17200,1\n"
    start = 1650485801301
    logs = [
        "".join(row.format(user, video, start + video, int(video % 3 > 0)) for video in range(18)) for user in (0, 1)
    ]
    videos = "".join(f'{video},{video % 4},NORMAL,2022-04-0{video % 9 + 1},,"12,65"\n' for video in range(18))
    return {
        "log_standard_4_08_to_4_21_pure.csv": header + logs[0],
        "log_random_4_22_to_5_08_pure.csv": header + logs[1],
        "video_features_basic_pure.csv": "video_id,author_id,video_type,upload_dt,video_duration,tag\n" + videos,
        "user_features_pure.csv": "user_id,friend_user_num\n0,1\n",
        **more,
    }


def test_kuairand_counts_long_views(tmp_path):
    data = load(write_all(tmp_path / "kuai", kuairand()))
    assert (data.layout, data.measure, data.users, data.items) == ("kuairand", "event", 2, 12)
    assert len(data.files) == 3
    assert data.friends is None
    assert data.item_ids.tolist() == [str(video) for video in range(18) if video % 3]
    assert data.time[0] == pytest.approx(1650485801.302)
    assert set(data.duration.tolist()) == {np.float32(17.2)}
    assert data.creator.tolist() == [video % 4 for video in range(18) if video % 3]
    midnight_in_beijing = 1_648_828_800  # 2 April 2022
    assert data.published[0] == midnight_in_beijing
    assert [(drop.file, drop.rows) for drop in data.dropped] == [("video_features_basic_pure.csv", 6)]


def test_friends_may_lie_beside_kuairand(tmp_path):
    files = kuairand(**{"friends.csv": "a,b\n0,1\n", "columns.toml": '[friends]\nuser = "a"\nfriend = "b"'})
    assert load(write_all(tmp_path / "kuai", files)).friends.tolist() == [[0, 1]]


def test_bad_rows_of_several_logs_are_told_by_file(tmp_path):
    files = kuairand()
    for name in ("log_standard_4_08_to_4_21_pure.csv", "log_random_4_22_to_5_08_pure.csv"):
        files[name] += "0,1,20220421,400,1650485801999,1,0,2,9,8,1\n"
    folder = write_all(tmp_path / "kuai", files)
    with pytest.raises(InputError) as caught:
        load(folder)
    told = (
        "`long_view` should be 0 or 1. Found 1 row against it (row 19). Correct the file, or run with --lenient, which"
    )
    assert set(caught.value.problems) == {
        f"{folder / name}: {told} drops it."
        for name in ("log_standard_4_08_to_4_21_pure.csv", "log_random_4_22_to_5_08_pure.csv")
    }


def test_a_folder_of_two_layouts_is_asked_which(tmp_path):
    files = {**hetrec(), "interactions.csv": interactions()}
    folder = write_all(tmp_path / "mine", files)
    with pytest.raises(InputError) as caught:
        load(folder)
    assert str(caught.value) == (
        f"{folder}: should be of one layout. Found files of tables, hetrec. Name one as `layout` in columns.toml."
    )
    write(folder, columns_toml='layout = "hetrec"')
    assert load(folder).layout == "hetrec"


def test_nothing_that_the_toml_says_is_passed_over(tmp_path):
    folder = write_all(tmp_path / "mine", {**hetrec(), "columns.toml": 'unit = "seconds"\n[friends]\nuser = "a"'})
    with pytest.raises(InputError) as caught:
        load(folder)
    assert str(caught.value) == (
        f"{folder / 'columns.toml'}: friends, unit: is heeded in the layout tables alone. Found the layout hetrec. "
        "Take it out."
    )


def test_the_layout_that_the_toml_names_has_to_be_there(tmp_path):
    folder = write_all(tmp_path / "mine", {"interactions.csv": interactions(), "columns.toml": 'layout = "kuairand"'})
    with pytest.raises(InputError) as caught:
        content(folder)
    assert str(caught.value) == (
        f"{folder}: should hold the interactions of the layout kuairand. Found columns.toml, interactions.csv. See "
        "docs/real_data.md for what a folder holds."
    )
