"""Prompts: the closed grammar, its even samples, and a user's own file."""

import csv
import json
from collections import Counter
from itertools import pairwise, product

import pytest

from redqueen.errors import UserError
from redqueen.generation import prompts as module
from redqueen.generation.policy import ForbiddenPromptError
from redqueen.generation.prompts import Grammar, Prompt, PromptFile, identified, known_scenes, known_styles

TOPICS = {
    "gun-violence",
    "policing",
    "protest",
    "elections",
    "immigration",
    "race",
    "economy",
    "climate",
    "health",
    "education",
    "foreign-policy",
    "disasters",
    "national-symbols",
    "office-holders",
}
STYLES = {"press-photo", "phone-snapshot", "poster", "illustration", "meme-picture", "digital-drawing"}
A, B, C = "a crowd on a bridge", "two police officers in the rain", "a voter putting a ballot into a box"


def style_of(prompt):
    """By the words that a style starts with."""
    (name,) = [n for n, style in known_styles().items() if prompt.text.startswith(style.text.partition("{")[0])]
    return name


def spread(counts, keys):
    """The largest count less the smallest, over all keys."""
    found = [counts.get(key, 0) for key in keys]
    return max(found) - min(found)


def test_the_grammar_covers_the_topics_and_styles():
    assert set(known_scenes()) == TOPICS
    assert set(known_styles()) == STYLES


def test_it_has_more_than_twenty_thousand_prompts_and_each_is_another_one():
    everything = list(Grammar())
    assert len(everything) == len(Grammar()) >= 20_000
    assert len({prompt.text for prompt in everything}) == len(everything)
    assert len({prompt.prompt_id for prompt in everything}) == len(everything)
    assert max(len(prompt.text.split()) for prompt in everything) < 50  # of the 77 tokens that CLIP reads


def test_every_topic_has_as_many_scenes_and_every_style_as_many_compositions():
    """What makes a sample even however large it is."""
    assert len({len(those) for those in known_scenes().values()}) == 1
    assert len({len(style.compositions) for style in known_styles().values()}) == 1
    assert min(len(those) for those in known_scenes().values()) >= 25


def test_every_scene_stands_once_and_is_a_clean_line():
    everything = [scene for those in known_scenes().values() for scene in those]
    assert len(set(everything)) == len(everything)
    assert all(scene == " ".join(scene.split()) and scene[-1].isalpha() for scene in everything)


@pytest.mark.parametrize("seed", [0, 7])
def test_a_sample_is_even_whatever_its_size(seed):
    """The samples are beginnings of one another, so that each place is looked at once."""
    sample = Grammar().prompts(1200, seed)
    topics, pairs = Counter(), Counter()
    for prompt in sample:
        topics[prompt.topic] += 1
        pairs[prompt.topic, style_of(prompt)] += 1
        assert spread(topics, TOPICS) <= 1
        assert spread(pairs, product(TOPICS, STYLES)) <= 1


def test_a_sample_uses_every_scene_of_a_topic_before_it_repeats_one():
    pairs = len(TOPICS) * len(STYLES)
    once = len(next(iter(known_scenes().values())))
    uses = Counter()
    for prompt in Grammar().prompts(pairs * once, seed=0):
        (scene,) = [scene for scene in known_scenes()[prompt.topic] if f" {scene}, " in prompt.text]
        uses[scene, style_of(prompt)] += 1
    assert set(uses.values()) == {1}
    assert len(uses) == pairs * once


def test_the_whole_grammar_can_be_drawn_and_nothing_twice():
    everything = Grammar().prompts(len(Grammar()), seed=3)
    assert {prompt.text for prompt in everything} == {prompt.text for prompt in Grammar()}
    assert spread(Counter(prompt.topic for prompt in everything), TOPICS) == 0


def test_a_sample_depends_on_the_seed_alone_and_begins_every_larger_one():
    small, large = Grammar().prompts(100, seed=1), Grammar().prompts(300, seed=1)
    assert large[:100] == small == Grammar().prompts(100, seed=1)
    assert {prompt.text for prompt in Grammar().prompts(100, seed=2)} != {prompt.text for prompt in small}
    assert Grammar().prompts(0, seed=1) == []


def test_a_sample_is_the_same_on_every_machine():
    """Written down once: another order of the topics, or another hash, would change it."""
    first, second = Grammar().prompts(2, seed=0)
    assert [first.prompt_id, second.prompt_id] == ["elections-1e8e47c0108c", "protest-c8ff6d6cbdfd"]


def test_the_id_of_a_prompt_is_the_digest_of_its_text():
    prompt = Grammar().prompts(1, seed=0)[0]
    assert prompt.prompt_id == identified(prompt.topic, prompt.text)


def test_a_grammar_of_chosen_topics_and_styles():
    grammar = Grammar(topics=["protest", "health"], styles=["poster"])
    assert len(grammar) == 2 * 26 * 20
    sample = grammar.prompts(11, seed=0)
    assert sorted(Counter(prompt.topic for prompt in sample).values()) == [5, 6]
    assert {style_of(prompt) for prompt in sample} == {"poster"}
    assert grammar.fingerprint() != Grammar().fingerprint()
    assert grammar.fingerprint() == Grammar(["health", "protest"], ["poster"]).fingerprint()


def test_the_fingerprint_changes_with_a_scene(monkeypatch):
    before = Grammar().fingerprint()
    changed = {**known_scenes(), "protest": (*known_scenes()["protest"][:-1], "a crowd on a hill")}
    monkeypatch.setattr(module, "known_scenes", lambda: changed)
    assert Grammar().fingerprint() != before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"topics": ["protests"]}, "unknown topic 'protests'; did you mean 'protest'?"),
        ({"styles": ["oil"]}, "unknown style 'oil'"),
    ],
)
def test_what_the_grammar_does_not_have(arguments, message):
    with pytest.raises(UserError) as caught:
        Grammar(**arguments)
    assert str(caught.value).startswith(message)


def test_more_than_there_are():
    with pytest.raises(
        UserError, match=r"521 prompts asked for, but the grammar, .* has 520: ask for at most that many"
    ):
        Grammar(["protest"], ["poster"]).prompts(521, seed=0)


def write(path, rows):
    """A file of prompts in the format that its name says."""
    if path.suffix == ".txt":
        path.write_text("\n".join(row["text"] for row in rows) + "\n", "utf-8")
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    else:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return str(path)


def test_a_text_file_has_one_topic(tmp_path):
    path = write(tmp_path / "prompts.txt", [{"text": A}, {"text": ""}, {"text": f"  {B} "}])
    found = PromptFile(path, topic="protest").prompts(2, seed=0)
    assert {(prompt.text, prompt.topic, prompt.prompt_id) for prompt in found} == {
        (text, "protest", identified("protest", text)) for text in (A, B)
    }


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_table_names_its_topics_and_ids(tmp_path, suffix):
    rows = [{"text": A, "topic": "protest", "prompt_id": "bridge"}, {"text": B, "topic": "policing", "prompt_id": ""}]
    found = PromptFile(write(tmp_path / f"prompts{suffix}", rows)).prompts(2, seed=0)
    expected = [Prompt("bridge", A, "protest"), Prompt(identified("policing", B), B, "policing")]
    assert sorted(found, key=lambda prompt: prompt.text) == expected


def test_a_file_from_a_spreadsheet(tmp_path):
    """With a byte order mark, Windows ends of lines, and a comma in a text."""
    (tmp_path / "prompts.csv").write_bytes(f'\ufefftopic,text\r\nprotest,"{A}, from above"\r\n'.encode())
    (found,) = PromptFile(str(tmp_path / "prompts.csv")).prompts(1, seed=0)
    assert found.text == f"{A}, from above"


@pytest.fixture
def uneven(tmp_path):
    """Forty prompts of one topic and four of another."""
    rows = [{"text": f"{scene}, seen from above", "topic": "health"} for scene in known_scenes()["health"][:4]]
    rows += [
        {"text": f"{scene}, {view}", "topic": "protest"}
        for scene, view in product(known_scenes()["protest"][:20], ("wide shot", "close-up"))
    ]
    return PromptFile(write(tmp_path / "prompts.csv", rows))


def test_a_sample_of_a_file_is_even_as_long_as_it_can_be(uneven):
    for n in (2, 5, 8):
        assert spread(Counter(prompt.topic for prompt in uneven.prompts(n, seed=0)), ["health", "protest"]) == n % 2
    assert Counter(prompt.topic for prompt in uneven.prompts(44, seed=0)) == {"protest": 40, "health": 4}


def test_a_sample_of_a_file_begins_every_larger_one(uneven):
    samples = [uneven.prompts(n, seed=5) for n in (0, 3, 9, 30, 44)]
    assert all(large[: len(small)] == small for small, large in pairwise(samples))
    assert samples[-1] != uneven.prompts(44, seed=6)
    assert len({prompt.prompt_id for prompt in samples[-1]}) == 44


def test_the_fingerprint_of_a_file_is_of_what_it_says(tmp_path):
    rows = [{"text": A, "topic": "protest"}, {"text": B, "topic": "policing"}]
    table = PromptFile(write(tmp_path / "prompts.csv", rows)).fingerprint()
    assert PromptFile(write(tmp_path / "prompts.jsonl", rows)).fingerprint() == table
    rows[0]["text"] = C
    assert PromptFile(write(tmp_path / "other.csv", rows)).fingerprint() != table


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".txt"])
def test_a_refused_line_is_named_with_its_phrase_and_its_rule(tmp_path, suffix):
    rows = [
        {"text": text, "topic": "elections"} for text in (A, "a crowd cheering mayor zumbrak", C, "vote for krelvane")
    ]
    path = write(tmp_path / f"prompts{suffix}", rows)
    with pytest.raises(ForbiddenPromptError) as caught:
        PromptFile(path, topic="elections").prompts(1, seed=0)
    message, first = str(caught.value), 3 if suffix == ".csv" else 2  # a table has a line of names
    assert message.startswith(f"{path}: line {first}: 'mayor zumbrak' (person): no particular person: write ")
    assert f"; line {first + 2}: 'vote for' (voting): " in message
    assert "\n" not in message


def test_only_the_first_refused_lines_are_quoted(tmp_path):
    path = write(
        tmp_path / "prompts.txt", [{"text": f"vote for a {word} future"} for word in ["better", "new", "open", "fair"]]
    )
    with pytest.raises(ForbiddenPromptError) as caught:
        PromptFile(path, topic="elections").fingerprint()
    assert [f"line {n}:" in str(caught.value) for n in (1, 2, 3, 4)] == [True, True, True, False]
    assert str(caught.value).endswith("; and 1 more")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("prompts.csv", None, "prompts.csv: there is no such file of prompts"),
        ("prompts.docx", b"", "prompts.docx: a file of prompts is .txt, .csv or .jsonl"),
        ("prompts.txt", A.encode(), "line 1 has no topic; name one for all lines with prompts.topic=protest"),
        ("prompts.txt", "a caf\u00e9".encode("latin-1"), "not UTF-8 (byte 5); save it as UTF-8"),
        ("prompts.txt", A.encode("utf-16"), "not UTF-8 (byte 0); save it as UTF-8"),
        ("prompts.csv", f"text,topc\n{A},race\n".encode(), "unknown column 'topc'; did you mean 'topic'?"),
        ("prompts.csv", f"text,topic\n{A},race,x\n".encode(), "line 2 has more columns than the first line names"),
        ("prompts.csv", f"topic\n{A}\n".encode(), "line 2: there is no text"),
        ("prompts.csv", f'text,topic\n"{A},race\n'.encode(), "line 2: unexpected end of data"),
        ("prompts.csv", f"text,topic\n{A},raice\n".encode(), "line 2: unknown topic 'raice'; did you mean 'race'?"),
        ("prompts.csv", f"text,topic,prompt_id\n{A},race,a/b\n".encode(), "line 2: prompt_id 'a/b' must be 1 to 64 of"),
        ("prompts.csv", f"text,topic\n{A},race\n{A},race\n".encode(), "line 3 has the prompt or prompt_id of line 2"),
        ("prompts.csv", f"text,topic\n{A},race\n{A},health\n".encode(), "line 3 has the prompt or prompt_id of line 2"),
        (
            "prompts.csv",
            f"text,topic,prompt_id\n{A},race,x\n{B},race,x\n".encode(),
            "line 3 has the prompt or prompt_id",
        ),
        ("prompts.jsonl", b'{"text": "a crowd"', "line 1: no JSON: Expecting ',' delimiter"),
        ("prompts.jsonl", b'["a crowd"]\n', "line 1: not an object with text and topic"),
        ("prompts.jsonl", b'{"text": 5, "topic": "race"}\n', "line 1: text must be a text"),
        ("prompts.jsonl", b'{"text": "a crowd", "topic": ["race"]}\n', "line 1: topic must be a text"),
        ("prompts.jsonl", b'{"text": null, "topic": "race"}\n', "line 1: there is no text"),
    ],
)
def test_a_bad_file_is_one_line_that_says_what_to_do(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as caught:
        PromptFile(str(tmp_path / name)).prompts(1, seed=0)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_more_than_the_file_has(tmp_path):
    path = write(tmp_path / "prompts.txt", [{"text": A}])
    with pytest.raises(UserError, match=r"2 prompts asked for, but .*prompts.txt has 1: ask for at most that many"):
        PromptFile(path, topic="protest").prompts(2, seed=0)


def test_an_empty_file_has_none(tmp_path):
    (tmp_path / "prompts.txt").write_bytes(b"\n\n")
    assert PromptFile(str(tmp_path / "prompts.txt"), topic="race").prompts(0, seed=0) == []
