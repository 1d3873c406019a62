"""Alerts reach their receivers once each, whatever a receiver does; nothing waits for one that hangs."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from receivers import PATIENCE_S, HttpReceiver, Request, Wire, hangs, receiver

from console.app import alerting, delivery
from console.app.alerting import Alerting, try_receivers
from console.app.delivery import Heartbeat
from console.app.http_exchange import NotDeliveredError, Receiver
from console.config.program_settings import MonitoringSettings
from console.config.secret_url import SecretUrl
from console.domain.actions import Alert, AlertLevel
from console.engine.log_views import DeliveryView
from console.monitoring.alert_messages import Origin, webhook_message
from console.monitoring.responses import response_to

NOON = 1_772_020_800 * 1_000_000_000


def an_alert(sequence: int, text: str = "HALTED daily_loss: lost 500.00 $") -> Alert:
    return Alert(sequence, NOON, AlertLevel.CRITICAL, text, "daily_loss")


@contextmanager
def alerting_to(webhook: HttpReceiver | None = None, ntfy: HttpReceiver | None = None) -> Iterator[Alerting]:
    made = Alerting(
        MonitoringSettings(
            webhook_url=SecretUrl(webhook.url if webhook else ""),
            ntfy_url=SecretUrl(ntfy.url if ntfy else ""),
        ),
        "practice",
        dry_run=False,
    )
    try:
        yield made
    finally:
        made.stop()


def view_once(made: Alerting, *, settled: int) -> DeliveryView:
    """The one receiver's counts once so many alerts came to an end there."""
    pause = threading.Event()
    for _ in range(2_000):
        [view] = made.views()
        if view.delivered + view.failed >= settled:
            return view
        pause.wait(0.01)
    raise AssertionError(f"still {view}")


@pytest.fixture(autouse=True)
def _haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "RETRY_AFTER_S", (0.01, 0.02, 0.03))
    monkeypatch.setattr(alerting, "DEADLINE_S", 0.3)


def ids(requests: list[Request]) -> list[str]:
    return [json.loads(request.body)["id"] for request in requests]


def test_each_alert_arrives_once_in_order_and_says_what_to_do() -> None:
    with receiver() as webhook, alerting_to(webhook) as made:
        for number in range(1, 4):
            made.tell(an_alert(number))
        requests = [webhook.next(timeout_s=1) for _ in range(3)]
        view = view_once(made, settled=3)
        assert webhook.requests.empty()
    assert len(set(ids(requests))) == 3
    assert [each.rpartition("-")[2] for each in ids(requests)] == ["1", "2", "3"]
    document = json.loads(requests[0].body)
    assert document["level"] == "critical"
    assert document["kind"] == "daily_loss"
    assert document["environment"] == "practice"
    assert document["at"] == "2026-02-25T12:00:00+00:00"
    assert document["response"] == response_to("daily_loss")
    assert requests[0].headers["idempotency-key"] == document["id"]
    assert (view.delivered, view.lost, view.trouble) == (3, 0, "")


def test_ntfy_gets_text_with_title_priority_and_tags() -> None:
    with receiver() as ntfy, alerting_to(ntfy=ntfy) as made:
        made.tell(an_alert(7))
        request = ntfy.next()
    assert request.line.startswith("POST /hooks/top-secret-path ")
    assert request.headers["title"] == "kconsole practice: critical daily_loss"
    assert request.headers["priority"] == "5"
    assert request.headers["tags"] == "rotating_light"
    assert request.body.decode().splitlines()[0] == "HALTED daily_loss: lost 500.00 $"


@pytest.mark.parametrize("refusal", ["500", "reset", "closed", "not http", "too slow"])
def test_what_may_pass_is_tried_again_under_the_same_id(refusal: str) -> None:
    def fails_twice(wire: Wire, nth: int) -> None:
        if nth >= 2:
            wire.answer(200)
        elif refusal == "500":
            wire.answer(500)
        elif refusal == "reset":
            wire.reset()
        elif refusal == "not http":
            wire.line.sendall(b"what do you want\r\n\r\n")
        elif refusal == "too slow":
            for byte in b"HTTP/1.1 200 OK\r\n":
                if wire.ended.wait(0.1):
                    return
                wire.line.sendall(bytes([byte]))

    with receiver(fails_twice) as webhook, alerting_to(webhook) as made:
        made.tell(an_alert(1))
        requests = [webhook.next() for _ in range(3)]
        view = view_once(made, settled=1)
    assert len(set(ids(requests))) == 1
    assert (view.delivered, view.failed, view.trouble) == (1, 0, "")


def test_a_definite_refusal_is_not_tried_again_and_is_counted() -> None:
    with receiver(lambda wire, _: wire.answer(403)) as webhook, alerting_to(webhook) as made:
        made.tell(an_alert(1))
        view = view_once(made, settled=1)
        assert webhook.requests.qsize() == 1
    assert (view.failed, view.trouble) == (1, "it answered 403")


def test_a_receiver_that_hangs_holds_up_neither_who_tells_nor_the_other_receiver() -> None:
    with receiver(hangs) as webhook, receiver() as ntfy, alerting_to(webhook, ntfy) as made:
        made.tell(an_alert(1))
        webhook.next()
        more = delivery.MOST_WAITING + 50
        for number in range(2, more):
            made.tell(an_alert(number))
            assert ntfy.next().headers["x-sequence-id"].endswith(f"-{number - 1}")
        stuck = next(view for view in made.views() if view.name == "webhook")
    assert stuck.delivered == 0
    assert stuck.waiting <= delivery.MOST_WAITING + 1
    assert stuck.dropped + stuck.failed + stuck.waiting == more - 1
    assert stuck.dropped > 0


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """The names that a resolver was asked for which answers nobody until the test is over."""
    asked: list[object] = []
    over = threading.Event()

    def hang(host: object, *_args: object, **_options: object) -> list[object]:
        asked.append(host)
        over.wait(PATIENCE_S)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    yield asked
    over.set()


def test_a_name_that_nobody_resolves_keeps_no_test_alert_past_its_deadline(asked: list[object]) -> None:
    settings = MonitoringSettings(webhook_url=SecretUrl("https://tried.example/hook"))
    [tried] = try_receivers(settings, "practice")
    assert tried.trouble == "no answer within 0.3 s"
    assert "tried.example" in asked


def test_a_name_that_nobody_resolves_holds_up_no_end_and_is_asked_once(
    asked: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerting, "DEADLINE_S", 0.05)
    made = Alerting(
        MonitoringSettings(webhook_url=SecretUrl("https://alerts.example/hook")), "practice", dry_run=False
    )
    for number in range(3):
        made.tell(an_alert(number))
    assert view_once(made, settled=3).trouble == "no answer within 0.05 s"
    made.tell(an_alert(4))
    ended = threading.Thread(target=made.stop)
    ended.start()
    ended.join(PATIENCE_S / 2)
    assert not ended.is_alive()
    assert asked.count("alerts.example") == 1, "one thread waits for it, however often it is tried"


def test_trouble_is_told_once_until_something_arrives_again() -> None:
    told: list[tuple[str, str]] = []

    def alternates(wire: Wire, nth: int) -> None:
        wire.answer(403 if nth != 2 else 200)

    with receiver(alternates) as webhook:
        sender = delivery.Sender(
            "webhook",
            Receiver(SecretUrl(webhook.url), 1),
            lambda alert: webhook_message(alert, Origin("run", "practice")),
            lambda name, text: told.append((name, text)),
        )
        sender.start()
        for number in range(1, 5):
            sender.put(an_alert(number))
        sender.end()
        sender.join(10)
        assert told == [("webhook", "it answered 403")] * 2
        assert (sender.view.delivered, sender.view.failed, sender.view.waiting) == (1, 3, 0)


def test_what_waits_at_the_end_still_goes() -> None:
    with receiver() as webhook, alerting_to(webhook) as made:
        made.tell(an_alert(1))
        made.stop()
        assert webhook.requests.qsize() == 1


def test_what_did_not_arrive_by_the_end_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with receiver(hangs) as webhook, alerting_to(webhook) as made:
        for number in range(3):
            made.tell(an_alert(number))
        webhook.next()
        made.stop()
    told = [record.getMessage() for record in caplog.records]
    assert "webhook: 3 alerts of this run did not arrive" in told
    assert "top-secret" not in "".join(told)


def test_what_the_exchange_wrote_is_inert_wherever_it_goes() -> None:
    hostile = "title\r\nX-Injected: yes\x1b]0;x\x07 \u202egnp \u2028" + "x" * 5_000 + "\ud800"
    with receiver() as webhook, receiver() as ntfy, alerting_to(webhook, ntfy) as made:
        made.tell(an_alert(1, hostile))
        text = json.loads(webhook.next().body)["text"]
        request = ntfy.next()
    assert text.isprintable()
    assert len(text) < 1_100
    assert "x-injected" not in request.headers
    assert len(request.body) < 4_096
    assert all(line.isprintable() for line in request.body.decode().splitlines())
    assert len(request.body.decode().splitlines()) == 2


def test_no_failure_says_the_address() -> None:
    with receiver(lambda wire, _: wire.reset()) as webhook:
        addresses = [
            webhook.url,
            "https://no.such.host.invalid/top-secret-path",
            "http://127.0.0.1:1/top-secret-path",
        ]
        for address in addresses:
            with pytest.raises(NotDeliveredError) as caught:
                Receiver(SecretUrl(address), 1).send("POST", {}, b"x")
            assert "top-secret" not in str(caught.value)
            assert caught.value.__cause__ is None
            assert "top-secret" not in repr(SecretUrl(address))


def test_a_certificate_of_another_host_is_refused_without_naming_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = a_certificate(tmp_path, "someone.else.example")
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(trusted)
    make = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda: make(cafile=str(trusted)))

    def shake(listener: socket.socket) -> None:
        with listener.accept()[0] as line, suppress(OSError):
            served.wrap_socket(line, server_side=True).close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=shake, args=(listener,), daemon=True).start()
        guarded = Receiver(SecretUrl(f"https://localhost:{listener.getsockname()[1]}/top-secret-path"), 5)
        with pytest.raises(NotDeliveredError) as caught:
            guarded.send("POST", {}, b"x")
    assert str(caught.value) == "its certificate is not accepted: Hostname mismatch"


def a_certificate(folder: Path, host: str) -> Path:
    """A certificate that vouches for itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, unlocked = serialization.Encoding.PEM, serialization.NoEncryption()
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, unlocked) + made.public_bytes(pem)
    )
    return path


@pytest.mark.parametrize("answer", [b"HTTP/1.1 " + b"9" * 900 + b"\r\n", b"HTTP/1.1 20\n", b"ICY 200 OK\r\n"])
def test_an_answer_that_is_no_http_is_not_repeated(answer: bytes) -> None:
    with (
        receiver(lambda wire, _: wire.line.sendall(answer)) as webhook,
        pytest.raises(NotDeliveredError) as caught,
    ):
        Receiver(SecretUrl(webhook.url), 5).send("POST", {}, b"x")
    assert str(caught.value) == "its answer is no HTTP"


def test_the_password_of_an_address_goes_as_its_proof() -> None:
    with receiver() as ntfy:
        Receiver(SecretUrl(ntfy.url.replace("127", "bot:p%40ss@127", 1)), 5).send("GET")
        request = ntfy.next()
    assert request.headers["authorization"] == "Basic Ym90OnBAc3M="
    assert "bot" not in request.headers["host"]


def test_the_heart_beats_while_progress_is_fresh_and_falls_silent_when_it_is_not() -> None:
    fresh = threading.Event()
    looks = threading.Semaphore(0)

    def is_fresh() -> bool:
        looks.release()
        return fresh.is_set()

    with receiver() as target:
        beating = Heartbeat(Receiver(SecretUrl(target.url), 1), 0.01, is_fresh, lambda *_: None)
        beating.start()
        for _ in range(3):
            assert looks.acquire(timeout=10)
        assert target.requests.empty()
        fresh.set()
        assert target.next().line.startswith("GET /hooks/")
        beating.end()


def test_a_heartbeat_that_fails_is_told_once() -> None:
    told: list[str] = []
    beats = threading.Semaphore(0)

    def refuses(wire: Wire, _nth: int) -> None:
        wire.answer(404)
        beats.release()

    with receiver(refuses) as target:
        beating = Heartbeat(
            Receiver(SecretUrl(target.url), 1), 0.01, lambda: True, lambda _name, text: told.append(text)
        )
        beating.start()
        for _ in range(4):
            assert beats.acquire(timeout=10)
        beating.end()
    assert told == ["it answered 404"]
    assert beating.view.failed >= 3


def test_a_try_says_of_each_receiver_whether_it_arrived() -> None:
    with receiver() as webhook, receiver(lambda wire, _: wire.answer(404)) as ntfy:
        tried = try_receivers(
            MonitoringSettings(webhook_url=SecretUrl(webhook.url), ntfy_url=SecretUrl(ntfy.url)), "practice"
        )
        assert json.loads(webhook.next().body)["kind"] == "test"
    assert [(each.name, each.trouble) for each in tried] == [("webhook", None), ("ntfy", "it answered 404")]
    assert try_receivers(MonitoringSettings(), "practice") == []
