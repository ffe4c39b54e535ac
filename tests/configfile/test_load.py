"""The loader: every mistake at once, each with its line, and nothing that should stay secret."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import drivers
from drivers import registry
from gateway.config import Config
from gateway.configfile import LARGEST_FILE, MOST_TOLD, load
from gateway.errors import ConfigError

GATE = """\
[gateway]
id = "410102011003007"
district = "410102"
street = "011"
community = "003"
[uplink]
host = "broker.example"
[lanes.in-1]
direction = "entry"
[devices.thermometer]
driver = "gy_mcu906"
port = "/dev/ttyUSB0"
lane = "in-1"
[devices.board]
driver = "modbus_io"
port = "/dev/ttyUSB1"
[devices.board.doors.gate-1]
role = "gate"
input = 0
[devices.board.doors.flat-12]
role = "home"
input = 1
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "gate.toml"


def mistakes(file: Path, text: str) -> list[str]:
    """What the loader says of ``text``, one per mistake, without the file's name."""
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file)
    lines = str(caught.value).split("\n")
    assert all(line.startswith(f"{file}:") for line in lines)
    return [line.removeprefix(f"{file}:") for line in lines]


def changed(old: str, new: str) -> str:
    assert GATE.count(old) == 1
    return GATE.replace(old, new)


def test_a_right_file_loads(file: Path) -> None:
    file.write_text(GATE)
    config = load(file)
    assert isinstance(config, Config)
    assert {name: device.driver for name, device in config.devices.items()} == {
        "thermometer": "gy_mcu906",
        "board": "modbus_io",
    }
    assert type(config.devices["board"]).__module__ == "drivers.modbus_io"


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(file: Path) -> None:
    text = GATE.replace('id = "410102011003007"', "id = 410102011003007")
    text = text.replace('host = "broker.example"', 'hots = "broker.example"\nport = "abc"')
    text = text.replace('driver = "gy_mcu906"', 'driver = "gy_mcu905"')
    text = text.replace('lane = "in-1"', 'lane = "in-2"').replace("input = 1", "input = 1024")
    text = text.replace("input = 0", "input = yes")
    assert [line.partition(": ")[0] for line in mistakes(file, text)] == [
        "2", "6", "7", "8", "12", "14", "20", "23",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            'host = "broker.example"',
            'host = "broker.example"\nport = "abc"',
            '8: [uplink] port: found the text "abc"; expected a whole number from 1 to 65535',
        ),
        (
            'host = "broker.example"',
            'host = "broker.example"\nkeepalive = 30',
            "8: [uplink] keepalive: unknown; expected one of host, port, profile, protocol,"
            " username, password_file, keepalive_s, ack_timeout_s, confirm, compress,"
            " message_bytes, window, messages_per_s, will, retain, tls;"
            ' did you mean "keepalive_s"?',
        ),
        (
            'host = "broker.example"',
            'host = "mqtt://broker.example:1883"',
            '7: [uplink] host: found the text "mqtt://broker.example:1883"; expected a host name'
            " or address, without mqtt:// and without a port",
        ),
        (
            'community = "003"\n',
            "",
            "1: [gateway] community: missing; expected 1 to 32 letters, digits, - or _, no _"
            " first, in quotes",
        ),
        (
            '[uplink]\nhost = "broker.example"\n',
            "",
            "1: [uplink]: missing; expected a table",
        ),
        (
            'direction = "entry"',
            'direction = "entry"\ndoor = "gate-2"',
            '10: [lanes.in-1] door: found the text "gate-2"; expected "gate-1"; did you mean'
            ' "gate-1"?',
        ),
        (
            'direction = "entry"',
            'direction = "entry"\ndoor = "flat-12"',
            "10: [lanes.in-1] door: a home door is only ever watched; nothing may lock or release"
            " it",
        ),
        (
            "[lanes.in-1]",
            "".join(f'[lanes.in-{n}]\ndirection = "entry"\n' for n in range(2, 10))
            + "[lanes.in-1]",
            "8: [lanes]: found a table; expected a table with 8 entries or fewer",
        ),
        (
            "[lanes.in-1]",
            '[lanes.Out]\ndirection = "exit"\n[lanes.in-1]',
            '8: [lanes.Out]: found the name "Out"; expected 1 to 32 small letters, digits, - or'
            " _, no - or _ first",
        ),
        (
            'direction = "entry"',
            'direction = "enter"',
            '9: [lanes.in-1] direction: found the text "enter"; expected "entry" or "exit"; did'
            ' you mean "entry"?',
        ),
        (
            'lane = "in-1"',
            'lane = "in-2"',
            '13: [devices.thermometer] lane: found the text "in-2"; expected "in-1"; did you mean'
            ' "in-1"?',
        ),
        (
            "[devices.thermometer]",
            "[devices.thermometer-at-the-way-in]",
            "10: [devices.thermometer-at-the-way-in]: the topic cg1/410102/011/003/410102011003007"
            "/up/device/thermometer-at-the-way-in has 70 characters and may have 64; expected a"
            " device's name of at most 19 characters",
        ),
        (
            'id = "410102011003007"',
            'id = "gate-7-of-the-garden-estate-32c"',
            "1: [gateway]: the topic cg1/410102/011/003/gate-7-of-the-garden-estate-32c/up/event/"
            "temperature has 71 characters and may have 64; expected a shorter id, district,"
            " street or community",
        ),
        (
            'port = "/dev/ttyUSB1"',
            'port = "/dev/./ttyUSB0"',
            '16: [devices.board] port: [devices.thermometer] has the port "/dev/./ttyUSB0"'
            " already; expected a port of its own",
        ),
        (
            'driver = "modbus_io"',
            "driver = 3",
            "15: [devices.board] driver: found the number 3; expected DRIVERS",
        ),
        (
            'driver = "modbus_io"\n',
            "",
            "14: [devices.board] driver: missing; expected DRIVERS",
        ),
        (
            'driver = "modbus_io"',
            'driver = "modbusio"',
            '15: [devices.board] driver: found the text "modbusio"; expected DRIVERS; did you mean'
            ' "modbus_io"?',
        ),
        (
            'role = "gate"',
            "role = 2026-01-01",
            '18: [devices.board.doors.gate-1] role: found a date or time; expected "gate",'
            ' "sealed" or "home"',
        ),
        (
            'role = "gate"\n',
            "",
            '17: [devices.board.doors.gate-1] role: missing; expected "gate", "sealed" or "home"',
        ),
    ],
)
def test_the_words(file: Path, old: str, new: str, told: str) -> None:
    names = registry.names()
    listed = ", ".join(f'"{name}"' for name in names[:-1]) + f' or "{names[-1]}"'
    assert mistakes(file, changed(old, new)) == [told.replace("DRIVERS", listed)]


def test_a_date_passes_for_no_text(file: Path) -> None:
    told = mistakes(file, changed('district = "410102"', "district = 2026-01-01"))
    assert told == [
        "3: [gateway] district: found a date or time; expected another kind of value, text in"
        " quotation marks"
    ]


def test_an_entry_of_a_list_is_counted_from_one(file: Path) -> None:
    text = GATE + "[devices.thermometer.measuring]\nplausible_celsius = [\n34,\n'42']\n"
    [told] = mistakes(file, text)
    assert told == (
        "26: [devices.thermometer.measuring] plausible_celsius #2: found the text"
        ' "42"; expected a number'
    )


def test_what_belongs_together_is_said_by_the_table_itself(file: Path) -> None:
    text = changed("[lanes.in-1]", '[uplink.tls]\ncert_file = "a.pem"\n[lanes.in-1]')
    assert mistakes(file, text) == [
        "8: [uplink.tls]: key_file is missing; cert_file and key_file go together"
    ]


@pytest.mark.parametrize("key", ["lock", "relay", "strike_output", "hold_closed", "unlock_ms"])
def test_nothing_can_lock_a_home_door(file: Path, key: str) -> None:
    assert mistakes(file, f"{GATE}{key} = 1\n") == [
        f"23: [devices.board.doors.flat-12] {key}: a home door is only ever watched; nothing may"
        " lock or release it"
    ]


def test_one_port_by_two_names_is_one_port(file: Path, tmp_path: Path) -> None:
    for name in ("port", "other"):
        (tmp_path / name).symlink_to("/dev/null")
    text = GATE.replace("/dev/ttyUSB0", f"{tmp_path}/port")
    text = text.replace("/dev/ttyUSB1", f"{tmp_path}/other")
    [told] = mistakes(file, text)
    assert told.startswith("16: [devices.board] port: [devices.thermometer] has the port ")


def test_a_strike_at_a_home_door_is_refused_once(file: Path) -> None:
    text = f"{GATE}strike = 3\n"
    assert mistakes(file, text) == [
        "23: [devices.board.doors.flat-12] strike: a home door is only ever watched; nothing may"
        " lock or release it"
    ]


def with_another_board(options: str) -> str:
    text = f'{GATE}[devices.other]\ndriver = "modbus_io"\nport = "/dev/ttyUSB1"\n{options}\n'
    return text + '[devices.other.doors.gate-2]\nrole = "gate"\ninput = 0\n'


def test_several_boards_share_a_line(file: Path) -> None:
    file.write_text(with_another_board("address = 2"))
    assert len(load(file).devices) == 3


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("address = 2\nbaud = 19200", "expected 9600 baud, parity N as there, found 19200 baud,"),
        ("address = 2\necho = true", "expected 9600 baud, parity N as there, found 9600 baud,"),
        ("address = 1", "as Modbus device 1; expected another address"),
    ],
)
def test_boards_on_one_line_must_agree_and_differ(file: Path, options: str, problem: str) -> None:
    [told] = mistakes(file, with_another_board(options))
    has = '25: [devices.other] port: [devices.board] has the port "/dev/ttyUSB1" already; '
    assert told.startswith(has + problem)


def test_two_cameras_cannot_share_a_source(file: Path) -> None:
    text = GATE
    for name in ("a", "b"):
        text += f'[devices.{name}]\ndriver = "camera"\nsource = "http://camera/live"\n'
    assert mistakes(file, text) == [
        '28: [devices.b] source: [devices.a] has the source "http://camera/live" already; expected'
        " a source of its own"
    ]


def test_two_devices_cannot_follow_one_terminal(file: Path) -> None:
    text = GATE
    for name in ("a", "b"):
        text += f'[devices.{name}]\ndriver = "hikvision"\nurl = "http://door"\n'
        text += 'credentials_file = "/etc/door"\n'
    assert mistakes(file, text) == [
        '29: [devices.b] url: [devices.a] has the url "http://door" already; expected a url of its'
        " own"
    ]


def test_two_zigbee_stanzas_may_share_a_broker(file: Path) -> None:
    text = GATE
    for name in ("a", "b"):
        text += f'[devices.{name}]\ndriver = "zigbee2mqtt"\nport = 1883\n'
        text += f'doors.{name} = {{ role = "gate", contact = "{name}" }}\n'
    file.write_text(text)
    assert {"a", "b"} <= set(load(file).devices)


def test_a_lock_at_home_is_refused_with_every_driver(file: Path) -> None:
    text = GATE + '[devices.a]\ndriver = "zigbee2mqtt"\n'
    text += 'doors.flat-3 = { role = "home", lock = "x" }\n'
    [told] = mistakes(file, text)
    assert "a home door is only ever watched" in told


def test_two_devices_cannot_watch_a_door_of_one_name(file: Path) -> None:
    text = f'{GATE}[devices.other]\ndriver = "modbus_io"\nport = "/dev/ttyUSB2"\n'
    text += '[devices.other.doors.gate-1]\nrole = "gate"\ninput = 0\n'
    assert mistakes(file, text) == [
        "26: [devices.other.doors.gate-1]: [devices.board.doors.gate-1] has this name already;"
        " expected a name of its own"
    ]


@pytest.mark.parametrize("key", ["password", "secret", "api_token"])
def test_a_secret_is_refused_and_not_repeated(file: Path, key: str) -> None:
    text = changed('host = "broker.example"', f'host = "broker.example"\n{key} = "hunter2"')
    [told] = mistakes(file, text)
    assert told.startswith(f"8: [uplink] {key}: a secret must not stand here")
    assert "hunter2" not in told
    assert ("password_file" in told) == (key == "password")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('host = "broker.example"', 'host = "user:hunter2@broker"'),
        ('host = "broker.example"', 'host = "mqtt://user:p@hunter2@host"'),
        ('host = "broker.example"', 'host = "h"\npassword_file = ["hunter2"]'),
        ('host = "broker.example"', 'host = "h"\npassword_file = "hunter2\\n"'),
        ('host = "broker.example"', 'host = "h"\nprofile = "hunter2@aws"'),
        ('lane = "in-1"', 'lane = "hunter2@in"'),
        ('driver = "modbus_io"', 'driver = "hunter2@x"'),
        ('driver = "modbus_io"', 'driver = "camera"\nsource = "http://u:hunter2@camera/"'),
        ('driver = "modbus_io"', 'driver = "camera"\nsource = "http://u:hunter2/x@camera/"'),
        ('driver = "modbus_io"', 'driver = "camera"\nsource = "http://u:hunter2"'),
        ('port = "/dev/ttyUSB1"', 'port = "\\u0000hunter2@x"'),
        ("[devices.thermometer]", '[devices."hunter2@x"]'),
        ('direction = "entry"', 'direction = "entry"\n"hunter2@x" = 1'),
    ],
)
def test_what_may_be_a_login_is_not_repeated(file: Path, old: str, new: str) -> None:
    assert "hunter2" not in "".join(mistakes(file, changed(old, new)))


def test_a_number_is_repeated_where_it_cannot_be_a_secret(file: Path) -> None:
    text = 'host = "h"\nusername = 12345678\npassword_file = 12345678'
    told = mistakes(file, changed('host = "broker.example"', text))
    assert ["12345678" in each for each in told] == [True, False]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('community = "003"', 'community = "003"\nstate_dir = "VALUE"'),
        ('port = "/dev/ttyUSB0"', 'port = "VALUE"'),
        ('port = "/dev/ttyUSB1"', 'port = "VALUE"'),
        ('host = "broker.example"', 'host = "h"\npassword_file = "VALUE"'),
        ('host = "broker.example"', 'host = "h"\ntls = { ca_file = "VALUE" }'),
        ('driver = "modbus_io"', 'driver = "camera"\nsource = "s"\ncredentials_file = "VALUE"'),
        ('driver = "modbus_io"', 'driver = "camera"\nsource = "VALUE"'),
        ('host = "broker.example"', 'host = "h"\nusername = "VALUE"'),
        ('host = "broker.example"', 'host = "VALUE"'),
    ],
)
@pytest.mark.parametrize("value", ["", r"\u0000", r"/tmp/a\u0000b", r"a\nb", r"\u001b[31m"])
def test_no_text_that_the_system_would_not_take(file: Path, old: str, new: str, value: str) -> None:
    told = mistakes(file, changed(old, new.replace("VALUE", value)))
    assert any("found " in each and "; expected " in each for each in told)


@pytest.mark.parametrize(
    "host",
    ["a..b", ".a", ".", "a" * 64, ".".join("a" * 127) + ".bc", ":::", "1:2", "300.1.1.1", "1.2.3"],
)
def test_no_host_that_nobody_can_look_up(file: Path, host: str) -> None:
    [told] = mistakes(file, changed("broker.example", host))
    assert "expected a host name or address" in told


@pytest.mark.parametrize(
    "host",
    ["broker", "a.example.", "a" * 63 + ".example", "xn--fiqs8s", "10.0.0.1", "::1", "fe80::1"],
)
def test_a_host_that_can_be_looked_up(file: Path, host: str) -> None:
    file.write_text(changed("broker.example", host))
    assert load(file).uplink.host.encode("idna")


def test_names_reach_the_screen_without_what_steers_a_terminal(file: Path) -> None:
    name = r'"a\u001b[31mb\nc\u202e"'
    text = GATE.replace("[devices.thermometer]", f"[devices.{name}]")
    text = text.replace("/ttyUSB1", "/ttyUSB0").replace("flat-12", name)
    text = text.replace('role = "home"', f'role = "home"\n{name} = 1')
    text += f"[devices.other.doors.{name}]\n[devices.long]\n{'x' * 500} = 1\n"
    told = mistakes(file, text)
    assert len(told) >= 7
    assert all(line[0].isdigit() and line.isprintable() for line in told)
    assert max(map(len, told)) < 400


def test_a_value_that_could_not_be_read_is_not_also_missing(file: Path) -> None:
    text = changed('host = "broker.example"', "host = broker.example")
    assert [told[:2] for told in mistakes(file, text)] == ["7:"]


def test_a_mistake_that_hides_the_rest_says_so(file: Path) -> None:
    text = changed('driver = "modbus_io"', "driver = [1,")
    told = mistakes(file, text)
    assert told[-1] == "16: what follows can be checked once this is corrected"


@pytest.fixture
def needy_driver(tmp_path: Path) -> Iterator[str]:
    """A driver that needs a library nobody has."""
    (tmp_path / "drivers").mkdir()
    source = "import no_such_library\nclass Config(DeviceConfig): ...\nclass Driver(Base): ...\n"
    (tmp_path / "drivers" / "needy.py").write_text(source)
    drivers.__path__.append(str(tmp_path / "drivers"))
    yield "needy"
    drivers.__path__.pop()


def test_a_driver_without_its_library_says_which(file: Path, needy_driver: str) -> None:
    [told] = mistakes(file, changed("gy_mcu906", needy_driver))
    assert told == (
        '11: [devices.thermometer] driver: the driver "needy" needs no_such_library, not'
        " installed here"
    )


def test_no_file(file: Path) -> None:
    with pytest.raises(ConfigError, match=r"gate\.toml: there is no such file$"):
        load(file)


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="this is a directory"):
        load(tmp_path)


def test_a_pipe_is_not_waited_for(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(ConfigError, match="not a regular file"):
        load(file)


def test_a_file_that_cannot_be_read() -> None:
    with pytest.raises(ConfigError, match=r"^/proc/self/mem: cannot be read: "):
        load(Path("/proc/self/mem"))


def test_a_file_below_a_file(file: Path) -> None:
    file.touch()
    with pytest.raises(ConfigError, match="cannot be read: Not a directory"):
        load(file / "below")


def test_a_very_large_file(file: Path) -> None:
    file.write_text("# remark\n" * 20_000)
    with pytest.raises(ConfigError, match="larger than 128 KiB"):
        load(file)


REPEATED = {
    "keys": "k{} = 1\n",
    "misspelt": "keepalive_{} = 1\n",
    "devices": "[devices.a{}]\n",
    "cameras": "[devices.a{}]\ndriver = 'camera'\n",
    "lanes": "[devices.a{0}]\ndriver = 'camera'\nlane = 'b{0}x'\n[lanes.b{0}]\n",
    "dates": "k{} = 07:32:00\n",
    "syntax": "k{} = no\n",
    "headers": "[t{}\n",
}


@pytest.mark.parametrize("statement", REPEATED.values(), ids=REPEATED)
def test_mistakes_without_end_are_told_briefly_and_soon(file: Path, statement: str) -> None:
    copies = (LARGEST_FILE - len(GATE)) // len(statement.format(99_999, 99_999))
    text = GATE + "".join(statement.format(number) for number in range(copies))
    began_s = time.process_time()
    told = mistakes(file, text)
    assert time.process_time() - began_s < 8
    assert len(told) <= MOST_TOLD + 1
    if len(told) > MOST_TOLD:
        assert re.search(r"^\d+: from here on \d{3,} more mistakes$", told[-1])


@pytest.mark.parametrize(
    "value",
    ["[" * 60_000, "[" + "[]," * 40_000 + "]", "{a=" * 40_000, ("'" * 3 + '"' * 3) * 20_000],
    ids=["deep list", "long list", "deep table", "quotation marks"],
)
def test_a_value_without_end_is_told_briefly_and_soon(file: Path, value: str) -> None:
    began_s = time.process_time()
    told = mistakes(file, f"{GATE}tamper_input = {value}\n")
    assert time.process_time() - began_s < 8
    assert len(told) <= 2


def test_the_first_hundred_mistakes_are_told_and_the_others_counted(file: Path) -> None:
    keys = "".join(f"k{number} = 1\n" for number in range(103))
    told = mistakes(file, GATE + keys)
    assert len(told) == MOST_TOLD + 1
    assert told[0].startswith("23: [devices.board.doors.flat-12] k0: unknown")
    assert told[-1] == "123: from here on 3 more mistakes"


def test_a_byte_order_mark_does_no_harm(file: Path) -> None:
    file.write_text(GATE, encoding="utf-8-sig")
    assert load(file).gateway.id == "410102011003007"


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "gb18030"])
def test_another_encoding_is_named_with_its_line(file: Path, encoding: str) -> None:
    file.write_bytes(b"\n" * (encoding != "utf-16") + "# Tür 门".encode(encoding, "ignore"))
    line = 1 if encoding == "utf-16" else 2
    with pytest.raises(ConfigError, match=rf":{line}: the byte 0x.. is not UTF-8; save"):
        load(file)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, len(GATE)), noise=st.text(max_size=12), cut=st.integers(0, 20))
def test_no_damage_ends_in_anything_but_a_sentence(
    file: Path, position: int, noise: str, cut: int
) -> None:
    text = GATE[:position] + noise + GATE[position + cut :]
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        load(file)
    except ConfigError as error:
        assert re.match(re.escape(str(file)) + r":\d+: ", str(error))  # noqa: PT017


def test_what_is_named_for_duty_and_doors_must_exist(file: Path) -> None:
    text = GATE + '[duty.posts.table]\nat = "in-2"\n[inspections]\nplaces = ["in-1", "borad"]\n'
    assert mistakes(file, text + '[doors]\negress = ["gate-2"]\n') == [
        '24: [duty.posts.table] at: found the text "in-2"; expected "thermometer", "board" or'
        ' "in-1"; did you mean "in-1"?',
        '26: [inspections] places #2: found the text "borad"; expected "thermometer", "board" or'
        ' "in-1"; did you mean "board"?',
        '28: [doors] egress #1: found the text "gate-2"; expected "gate-1" or "flat-12"; did you'
        ' mean "gate-1"?',
    ]


@pytest.mark.parametrize("zone", ["Asia/Peking", "../etc/passwd", "", "asia"])
def test_a_time_zone_must_exist(file: Path, zone: str) -> None:
    [told] = mistakes(file, changed("[gateway]", f'[gateway]\ntimezone = "{zone}"'))
    assert told.startswith("2: [gateway] timezone: ")
    assert told.endswith('expected a time zone, as "Asia/Shanghai"')
