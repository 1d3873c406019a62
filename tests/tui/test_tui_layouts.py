from __future__ import annotations

import msgspec
import pytest
from console_screen import HUGE, NARROW, WIDE, console, screen_text
from fake_engine import POSITIONS, SNAPSHOT, FakeEngine
from textual.geometry import Region

from console.config.program_settings import InterfaceSettings
from console.domain.money import Price
from console.tui.actions import ALL_ACTIONS
from console.tui.keymap import sound_keymap
from console.tui.pane import Pane

HEADER = (
    "PRACTICE", "RUNNING", "10,012.41", "+12.41 +0.12%", "feed 0.2s", "3ms", "0.1s",
    "open, pause Wed 22:04", "12:04:31 ET", "17:04", "practice edge, not measured",
)  # fmt: skip
PANES = ("1 Positions", "2 Risk limits", "3 Kill switches", "4 Slippage", "5 Trade log")


@pytest.mark.parametrize("size", [NARROW, WIDE, HUGE, (60, 16), (100, 30), (160, 50)])
async def test_header_panes_and_halt_key_are_there_at_every_size(size: tuple[int, int]) -> None:
    async with console(FakeEngine(), size) as screen:
        text = await screen.look()
    for word in (*PANES, "f12  HALT", "total expos", "slippage", "reject"):
        assert word in text, word
    head = "\n".join(text.splitlines()[:3])
    for word in HEADER:
        assert word in head, word
    assert all(len(line) == size[0] for line in text.splitlines())


async def test_the_wide_screen_shows_every_column() -> None:
    async with console(FakeEngine(), HUGE) as screen:
        text = await screen.look()
    for word in ("realised", "fees", "group", "role", "Why not", "not 90-99c", POSITIONS[0].ticker):
        assert word in text, word


@pytest.mark.parametrize("width", [*range(60, 130, 3), 240])
async def test_help_and_quit_are_in_the_footer_at_every_width_and_nothing_is_cut(width: int) -> None:
    async with console(FakeEngine(), (width, 24)) as screen:
        footer = (await screen.look()).splitlines()[-1]
    for word in ("f12  HALT", "p pause", "r resume", "? help", "q quit"):
        assert word in footer
    assert "…" not in footer


async def test_the_wide_trade_log_names_markets_in_full() -> None:
    ticker = "KXHYPE15M-26NOV22140514-115"
    engine = FakeEngine()
    engine.change(positions=(), resting=(), log=(msgspec.structs.replace(SNAPSHOT.log[0], ticker=ticker),))
    async with console(engine, HUGE) as screen:
        assert ticker in await screen.look()


async def test_too_small_a_terminal_is_told_and_halt_still_works() -> None:
    engine = FakeEngine()
    async with console(engine, (50, 12)) as screen:
        text = await screen.look()
        assert "kconsole needs 60x16, this is 50x12; f12 still halts" in " ".join(text.split())
        assert "Positions" not in text
        await screen.press("f12")
        await screen.pilot.resize_terminal(*NARROW)
        assert "1 Positions" in await screen.look()
    assert engine.halts == ["operator"]


async def test_the_dry_run_and_the_environment_are_words() -> None:
    engine = FakeEngine()
    engine.change(environment="live", dry_run=True)
    async with console(engine, NARROW) as screen:
        text = await screen.look()
    assert "LIVE · DRY RUN" in text
    for word in ("+12.41 +0.12%", "feed 0.2s", "12:04:31 ET"):
        assert word in text, word


async def test_why_not_takes_the_right_column_and_gives_it_back() -> None:
    async with console(FakeEngine()) as screen:
        text = await screen.press("w")
        assert "w Why not" in text
        assert "-9,576" in text
        assert "2 Risk limits" not in text
        assert "2 Risk limits" in await screen.press("w")


async def test_zoom_gives_one_pane_the_body_and_numbers_move_it() -> None:
    async with console(FakeEngine(), NARROW) as screen:
        text = await screen.press("5", "z")
        assert "5 Trade log" in text
        assert "1 Positions" not in text
        assert "PRACTICE" in text
        text = await screen.press("2")
        assert "2 Risk limits" in text
        assert "5 Trade log" not in text
        assert "1 Positions" in await screen.press("escape")


async def test_a_pane_under_the_side_panel_comes_back_with_its_number() -> None:
    async with console(FakeEngine()) as screen:
        await screen.press("w")
        assert "2 Risk limits" in await screen.press("2")
        assert screen.app.focused is screen.app._main.limits


async def test_the_palette_does_what_the_keys_do() -> None:
    async with console(FakeEngine()) as screen:
        await screen.press("ctrl+p", *"zoom")
        await screen.app.workers.wait_for_complete()
        await screen.press("enter")
        text = await screen.look()
        assert "1 Positions" in text
        assert "2 Risk limits" not in text


async def test_filter_narrows_the_list_and_escape_clears_it() -> None:
    async with console(FakeEngine()) as screen:
        text = await screen.press("5", "slash", *"denied", "enter")
        assert "/denied" in text
        assert "group limit" in text
        assert "post only would cross" not in text
        assert "post only would cross" in await screen.press("slash", "escape")


async def test_sort_names_the_order_and_puts_the_largest_loss_first() -> None:
    async with console(FakeEngine()) as screen:
        text = await screen.press("1", "s")
        assert "by P&L" in text
        tickers = [
            p.ticker for p in sorted(POSITIONS, key=lambda p: (p.unrealised is None, p.unrealised or 0))
        ]
        places = [text.index(ticker[:7]) for ticker in tickers]
        assert places == sorted(places)


async def test_the_cursor_stays_on_its_row_when_rows_arrive_above_it() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        await screen.press("5", "down", "down")
        log = screen.app._main.trade_log
        before = log.cursor_text()
        entry = SNAPSHOT.log[-1]
        engine.change(log=(*SNAPSHOT.log, type(entry)(99, entry.at_ns, entry.kind, None, "newer")))
        await screen.look()
        assert log.cursor_text() == before


async def test_rows_being_read_stay_in_place_while_news_arrive() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        text = await screen.press("5", "end")
        oldest = text.splitlines()[-3]
        entry = SNAPSHOT.log[-1]
        engine.change(log=(*SNAPSHOT.log, type(entry)(99, entry.at_ns, entry.kind, None, "newer")))
        assert (await screen.look()).splitlines()[-3] == oldest


async def test_copying_takes_the_row_under_the_cursor() -> None:
    async with console(FakeEngine()) as screen:
        await screen.press("1", "y")
        assert screen.app.clipboard.startswith("KXBTC15M-26FEB251215-15\tYES\t210\t94.2")


async def test_help_lists_every_key_and_the_footer_shows_a_moved_one() -> None:
    ui = InterfaceSettings(keymap={"pause": "f4"})
    async with console(FakeEngine(), HUGE, ui=ui) as screen:
        assert "f4 pause" in (await screen.look()).splitlines()[-1]
        text = await screen.press("question_mark")
        for words in ("f12  ctrl+x", "f4 ", "Copy the row", "Page down"):
            assert words in text, words


async def test_clicking_a_key_in_the_footer_presses_it() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        line = (await screen.look()).splitlines()[-1]
        await screen.pilot.click("#footer", offset=(line.index("pause"), 0))
        await screen.pilot.click("#footer", offset=(line.index("HALT"), 0))
    assert len(engine.sent) == 1
    assert engine.halts == ["operator"]


async def test_one_changed_mark_repaints_only_its_cells() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        repainted: list[Region] = []
        pane = screen.app._main.positions
        refresh = pane.refresh

        def note(*regions: Region, **options: bool) -> Pane:
            repainted.extend(regions)
            return refresh(*regions, **options)

        pane.refresh = note  # type: ignore[method-assign]
        first = msgspec.structs.replace(POSITIONS[0], mark=Price(9_520))
        engine.change(positions=(first, *POSITIONS[1:]))
        screen.app._tick()
        await screen.pilot.pause()
        del pane.refresh
        text = (await screen.look()).splitlines()
        assert [(region.width, region.height) for region in repainted] == [(1, 1)]
        assert text[pane.region.y + repainted[0].y][pane.region.x + repainted[0].x] == "2"


async def test_an_unchanged_picture_repaints_nothing() -> None:
    async with console(FakeEngine()) as screen:
        await screen.look()
        assert not any(pane.redraw() for pane in screen.app._main.panes)


def test_a_keymap_that_cannot_work_is_told_in_words() -> None:
    accepted, problems = sound_keymap({"halt": "h", "pauze": "x", "pause": "r", "sort": "O"})
    assert accepted == {"sort": "O"}
    assert any("'pauze'" in problem for problem in problems)
    assert any("halt works in text fields" in problem for problem in problems)
    assert any("'r' of pause is already used by resume" in problem for problem in problems)


@pytest.mark.parametrize("keys", ["", " ", "f12,", "f99", "F12", "ctrl+X", "hyperspace", "\x1b"])
def test_halt_cannot_be_given_a_key_that_no_terminal_sends(keys: str) -> None:
    accepted, problems = sound_keymap({"halt": keys})
    assert accepted == {}
    assert "ui.keymap: halt has " in problems[0]
    assert "which is no key" in problems[0]


def test_every_key_of_the_console_may_be_named_in_a_keymap() -> None:
    own = {action.id: action.keys for action in ALL_ACTIONS}
    assert sound_keymap(own) == (own, [])


@pytest.mark.parametrize(("name", "keys"), [("sort", "."), ("sort", "/"), ("watch_play", "?")])
def test_a_character_and_its_name_are_one_key(name: str, keys: str) -> None:
    accepted, problems = sound_keymap({name: keys})
    assert accepted == {}
    assert "is already used by" in problems[0]


async def test_without_colour_the_words_and_signs_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    async with console(FakeEngine()) as screen:
        coloured = await screen.look()
    monkeypatch.setenv("NO_COLOR", "1")
    async with console(FakeEngine()) as screen:
        await screen.look()
        assert screen_text(screen.app) == coloured
        styles = {
            segment.style
            for strip in screen.app.screen._compositor.render_strips()
            for segment in strip.apply_filter(
                screen.app.get_line_filters()[-1], screen.app.background_colors[0]
            )
            if segment.style is not None
        }
    assert not any(style.color is not None and style.color.name != "default" for style in styles)
