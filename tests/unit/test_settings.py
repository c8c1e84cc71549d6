"""Settings are read once, and every mistake is told at once: where, which, what, and the fix."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.errors import ConfigError
from hub.settings import Settings, load

HIDDEN = "correct-horse-battery-staple"


def file(folder: Path, text: str) -> Path:
    """Write a settings file."""
    path = folder / "hub.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(path: Path | None = None, **environ: str) -> tuple[str, ...]:
    """Return every mistake of a file and an environment."""
    with pytest.raises(ConfigError) as caught:
        load(path, environ=environ)
    return caught.value.problems


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert load(environ={}) == Settings()


def test_the_file_of_the_working_folder_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "banyan.yaml").write_text("namespace: here\n")

    assert load(environ={}).namespace == "here"


def test_the_variable_names_a_file_and_the_option_wins_over_it(tmp_path: Path) -> None:
    named = tmp_path / "named.yaml"
    named.write_text("namespace: named\n")
    chosen = file(tmp_path, "namespace: chosen\n")

    assert load(environ={"BANYAN_CONFIG": str(named)}).namespace == "named"
    assert load(chosen, environ={"BANYAN_CONFIG": str(named)}).namespace == "chosen"


def test_an_empty_file_is_no_mistake(tmp_path: Path) -> None:
    assert load(file(tmp_path, "# nothing yet\n"), environ={}) == Settings()


def test_a_variable_wins_over_the_file_and_leaves_its_neighbours(tmp_path: Path) -> None:
    path = file(tmp_path, "kafka:\n  bootstrap_servers: a:1\n  client_id: mine\n")

    kafka = load(path, environ={"BANYAN_KAFKA__BOOTSTRAP_SERVERS": "b:2"}).kafka

    assert (kafka.bootstrap_servers, kafka.client_id) == ("b:2", "mine")


def test_variables_nest_as_deep_as_settings_do() -> None:
    environ = {
        "BANYAN_KAFKA__BOOTSTRAP_SERVERS": "a:1",
        "BANYAN_KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
        "BANYAN_KAFKA__SASL__USERNAME": "banyan",
        "BANYAN_KAFKA__SASL__PASSWORD": HIDDEN,
    }

    sasl = load(environ=environ).kafka.sasl

    assert sasl is not None
    assert sasl.password.get_secret_value() == HIDDEN


def test_lists_and_mappings_are_json_in_a_variable() -> None:
    environ = {
        "BANYAN_ADAPTERS__FILES": '["a.py", "b"]',
        "BANYAN_TELEMETRY": '{"sample_ratio": 0.5}',
        "BANYAN_TELEMETRY__SERVICE_NAME": "hub",
    }

    settings = load(environ=environ)

    assert settings.adapters.files == (Path("a.py"), Path("b"))
    assert (settings.telemetry.sample_ratio, settings.telemetry.service_name) == (0.5, "hub")


def test_only_the_mapping_that_is_passed_in_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANYAN_NAMESPACE", "of-the-process")

    assert load(environ={}).namespace == Settings().namespace == "banyan"


@pytest.mark.parametrize(("text", "duration"), [("PT2.5S", timedelta(seconds=2.5)), ("3", timedelta(seconds=3))])
def test_durations_are_iso_8601_or_seconds(tmp_path: Path, text: str, duration: timedelta) -> None:
    path = file(tmp_path, f"kafka: {{bootstrap_servers: 'a:1', request_timeout: {text}}}\n")

    assert load(path, environ={}).kafka.request_timeout == duration
    assert load(path, environ={"BANYAN_KAFKA__REQUEST_TIMEOUT": text}).kafka.request_timeout == duration


def test_every_mistake_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    path = file(
        tmp_path,
        "namespase: prod\nlog_level: LOUD\n"
        "kafka:\n  bootstrap_servers: broker\n  client_idd: x\nadapters: {files: a.py}\n",
    )

    assert set(problems(path)) == {
        f"{path}:1: namespase: unknown setting; did you mean 'namespace'?",
        f"{path}:2: log_level: string should match pattern '^(DEBUG|INFO|WARNING|ERROR)$'",
        f"{path}:4: kafka.bootstrap_servers: expected host:port,host:port, found 'broker'",
        f"{path}:5: kafka.client_idd: unknown setting; did you mean 'client_id'?",
        f"{path}:6: adapters.files: input should be a valid tuple",
    }


def test_a_mistake_in_a_variable_names_the_variable_though_the_file_is_right(tmp_path: Path) -> None:
    path = file(tmp_path, "kafka: {bootstrap_servers: 'a:1', request_timeout: 3}\n")

    [problem] = problems(path, BANYAN_KAFKA__REQUEST_TIMEOUT="soon")

    assert problem.startswith("BANYAN_KAFKA__REQUEST_TIMEOUT: kafka.request_timeout: input should be a valid timedelta")


def test_a_mistake_of_several_variables_together_names_their_setting() -> None:
    [problem] = problems(BANYAN_KAFKA__BOOTSTRAP_SERVERS="a:1", BANYAN_KAFKA__SECURITY_PROTOCOL="SASL_SSL")

    assert problem == "BANYAN_KAFKA: kafka: security_protocol SASL_SSL needs `sasl` with username and password"


@pytest.mark.parametrize("text", ["no-json", "{no: json", "[1]"])
def test_a_variable_that_should_be_a_mapping_is_told(text: str) -> None:
    [problem] = problems(BANYAN_KAFKA=text)

    assert problem.startswith("BANYAN_KAFKA: kafka: input should be a valid dictionary")


def test_what_is_missing_is_told_with_both_ways_to_set_it(tmp_path: Path) -> None:
    path = file(tmp_path, "kafka:\n  bootstrap_servers: a:1\n  sasl: {username: banyan}\n")

    assert problems(path) == (
        f"{path}:3: kafka.sasl.password: is missing; set it in the file or as BANYAN_KAFKA__SASL__PASSWORD",
    )
    assert problems(BANYAN_KAFKA__CLIENT_ID="x") == (
        "kafka.bootstrap_servers: is missing; set it in the file or as BANYAN_KAFKA__BOOTSTRAP_SERVERS",
    )


def test_an_unknown_name_that_is_like_no_other_has_no_suggestion(tmp_path: Path) -> None:
    path = file(tmp_path, "archive: {url: x, zzz: 1}\nadapters: {zzz: 1}\nzzz: 1\n")

    assert set(problems(path)) == {
        f"{path}:1: archive.zzz: unknown setting",
        f"{path}:2: adapters.zzz: unknown setting",
        f"{path}:3: zzz: unknown setting",
    }


def test_a_misspelled_variable_is_told_and_foreign_ones_are_not() -> None:
    assert problems(BANYAN_NAMESPAC="prod", BANYAN_TEST_DATA="/x", BANYAN_SERVICE_HOST="y") == (
        "BANYAN_NAMESPAC: unknown setting; did you mean 'BANYAN_NAMESPACE'?",
    )
    assert problems(BANYAN_KAFKA__BOOTSTRAP_SERVERS="a:1", BANYAN_KAFKA__CLIENTID="x") == (
        "BANYAN_KAFKA__CLIENTID: kafka.clientid: unknown setting; did you mean 'client_id'?",
    )


def test_a_setting_that_stands_twice_is_told(tmp_path: Path) -> None:
    path = file(tmp_path, "namespace: a\ndata: x\nnamespace: b\n")

    assert problems(path) == (f"{path}:3: namespace: stands twice; the first is {path}:1",)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"

    assert problems(path) == (f"{path}: can't be read: No such file or directory",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"kafka: [1,\n", ":2: is no YAML: "),
        (b"data: 2026-13-45\n", ": is no YAML: month must be"),
        (b"namespace: \xff\n", ": is no YAML: 'utf-8' codec"),
        (b"a: \x00\n", ": is no YAML: unacceptable character"),
        (b"!!python/name:os.system\n", ":1: is no YAML: could not determine a constructor"),
        (b"- kafka\n", ":1: expected settings as `name: value`, found a list"),
        (b"[]\n", ":1: expected settings as `name: value`, found a list"),
        (b"prod\n", ":1: expected settings as `name: value`, found a str"),
        (b"1: 2\n", ":1: 1: keys should be strings"),
    ],
)
def test_what_is_no_settings_file_is_told(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "hub.yaml"
    path.write_bytes(content)

    [problem] = problems(path)

    assert problem.startswith(f"{path}{said}")


def test_no_representation_shows_a_secret() -> None:
    settings = Settings.model_validate(
        {
            "key_secret": HIDDEN,
            "kafka": {
                "bootstrap_servers": "a:1",
                "security_protocol": "SASL_SSL",
                "sasl": {"username": "u", "password": HIDDEN},
            },
            "archive": {"url": "x", "key": "ab" * 32},
            "telemetry": {"otlp_headers": {"authorization": HIDDEN}},
            "adapters": {"config": {"residents": {"credentials": {"user": "u", "password": HIDDEN}}}},
        }
    )

    shown = repr(settings) + str(settings) + repr(settings.kafka) + settings.model_dump_json(exclude={"adapters"})

    assert HIDDEN not in shown
    assert "ab" * 32 not in shown


@pytest.mark.parametrize(
    "text",
    [
        f"key_secret: [{HIDDEN}]\n",
        f"kafka: {{bootstrap_servers: 'a:1', sasl: {{username: u, password: [{HIDDEN}]}}}}\n",
        f"kafka: {{bootstrap_servers: 'a:1', sasl: {{username: u, password: {HIDDEN}}}}}\n",
        f"archive: {{url: x, key: {HIDDEN}}}\n",
        f'kafka: {{sasl: {{password: "{HIDDEN}\n',
        f"kafka:\n  password: '{HIDDEN}' x\n",
    ],
)
def test_no_message_shows_a_secret(tmp_path: Path, text: str) -> None:
    path = file(tmp_path, text)

    with pytest.raises(ConfigError) as caught:
        load(path, environ={})

    assert HIDDEN not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_short_key_secret_is_refused() -> None:
    assert problems(None, BANYAN_KEY_SECRET=5 * "x") == (
        "BANYAN_KEY_SECRET: key_secret: value should have at least 16 items after validation, not 5",
    )


def test_names_below_what_is_no_mapping_are_told() -> None:
    assert problems(BANYAN_NAMESPACE__X__Y="1") == ("BANYAN_NAMESPACE: namespace: input should be a valid string",)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        setattr(Settings(), "namespace", "other")  # noqa: B010 - the type checkers refuse it otherwise


def test_the_trace_store_is_in_the_data_folder_unless_named(tmp_path: Path) -> None:
    assert Settings(data=tmp_path).trace_store == tmp_path / "traces.sqlite"
    assert load(environ={"BANYAN_TELEMETRY__TRACE_STORE": "t.db"}).trace_store == Path("t.db")


@given(st.dictionaries(st.text(min_size=1), st.text() | st.integers() | st.none() | st.lists(st.text()), max_size=4))
def test_whatever_the_values_are_only_a_config_error_comes_out(values: dict[str, object]) -> None:
    environ = {f"BANYAN_{name.upper()}": str(value) for name, value in values.items() if name != "config"}
    environ |= {f"BANYAN_KAFKA__{name.upper()}": str(value) for name, value in values.items()}

    with pytest.raises(ConfigError):
        load(environ=environ | {"BANYAN_LOG_LEVEL": "none"})
