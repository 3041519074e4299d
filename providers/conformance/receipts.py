"""Delivery reports and messages from subscribers: early, late, repeated, forged, malformed."""

from __future__ import annotations

import pytest

from providers.base import (
    Accepted,
    BringsInbound,
    MalformedInbound,
    MalformedReceipt,
    Message,
    NamesMessages,
    Receipt,
    ReceiptRequest,
)
from providers.conformance.far_side import (
    Cases,
    FarSide,
    Report,
    Taken,
    callback,
    eventually,
    message,
    needed,
    send_all,
)

NONSENSE = [
    callback(),
    callback(message_id=1),
    callback(b"\xff=%zz&&;", message_id=1),
    callback(method="POST", body=b"\x00\xff{", message_id=1),
    callback(method="POST", body=b"[[[]]]"),
    callback(method="POST", body=b'{"results": 7}', message_id=1),
]


class ReceiptCases(Cases):
    """What receipts promise: they find their message whenever they come, and cannot be made up."""

    @pytest.mark.parametrize("report", ["delivered", "undelivered"])
    async def test_a_report_finds_its_message_and_has_a_mapped_code(
        self, far_side: FarSide, report: Report
    ) -> None:
        one, names, taken = await _accepted(far_side)
        receipt = await _heard(far_side, report, taken)
        assert _is_about(receipt, one, names), f"{receipt} is not about {names}"
        assert self.paper.codes.get(receipt.code) == report
        assert receipt.raw

    async def test_a_report_that_overtakes_the_answer_finds_its_message(
        self, far_side: FarSide
    ) -> None:
        one, names, taken = await _accepted(far_side)
        request = needed(far_side.calls_back("delivered", taken), "callbacks")
        # Read by a provider that has sent nothing and knows nothing: that is all an early one has.
        [receipt] = far_side.provider().parse_receipt(request)
        assert _is_about(receipt, one, names)

    async def test_a_late_report_finds_its_message(self, far_side: FarSide) -> None:
        one, names, taken = await _accepted(far_side)
        request = needed(far_side.calls_back("delivered", taken), "callbacks")
        async with far_side.provider() as another:
            await send_all(another, [message(12)])
            [receipt] = another.parse_receipt(request)
        assert _is_about(receipt, one, names)

    async def test_a_repeated_report_is_the_same_report(self, far_side: FarSide) -> None:
        _, _, taken = await _accepted(far_side)
        request = needed(far_side.calls_back("delivered", taken), "callbacks")
        first, second = (far_side.provider().parse_receipt(request) for _ in range(2))
        assert [_timeless(one) for one in first] == [_timeless(one) for one in second]

    async def test_a_forged_report_is_refused(self, far_side: FarSide) -> None:
        _, _, taken = await _accepted(far_side)
        request = needed(far_side.calls_back("delivered", taken), "callbacks")
        forgeries = far_side.forgeries(request)
        if not forgeries:
            pytest.skip("not with this provider: signed callbacks (the token in the URL protects)")
        for forgery in forgeries:
            with pytest.raises(MalformedReceipt):
                far_side.provider().parse_receipt(forgery)

    async def test_a_report_that_could_not_be_stored_is_offered_again(
        self, far_side: FarSide
    ) -> None:
        if not far_side.redelivers:
            pytest.skip("not with this provider: reports in-process that come again")
        far_side.is_deaf = True
        one = message(11)
        async with far_side.provider() as provider:
            await send_all(provider, [one])
            await eventually(far_side.taken)
            [taken] = far_side.taken()
            await far_side.reports("delivered", taken)
            await eventually(lambda: far_side.unheard)
            far_side.is_deaf = False
            await eventually(lambda: far_side.receipts)
        assert far_side.receipts[0].message_id == one.id or far_side.receipts[0].ref

    @pytest.mark.parametrize("request_", NONSENSE)
    async def test_what_is_no_report_is_refused_in_one_sentence(
        self, request_: ReceiptRequest
    ) -> None:
        with pytest.raises(MalformedReceipt) as caught:
            self.paper.make().parse_receipt(request_)
        assert str(caught.value)
        assert "\n" not in str(caught.value)

    async def test_the_provider_hears_that_its_report_is_stored(self) -> None:
        reply = self.paper.make().acknowledge()
        assert 200 <= reply.status < 300
        assert isinstance(reply.body, bytes)

    async def test_a_subscribers_message_is_brought_whole(self, far_side: FarSide) -> None:
        request, expected = needed(far_side.brings(), "messages from subscribers")
        provider = far_side.provider()
        assert isinstance(provider, BringsInbound)
        assert provider.parse_inbound(request) == [expected]
        assert provider.parse_inbound(request) == [expected]

    @pytest.mark.parametrize("request_", NONSENSE)
    async def test_what_is_no_subscribers_message_is_refused(
        self, request_: ReceiptRequest
    ) -> None:
        provider = self.paper.make()
        if not isinstance(provider, BringsInbound):
            pytest.skip("not with this provider: messages from subscribers")
        with pytest.raises(MalformedInbound):
            provider.parse_inbound(request_)


async def _accepted(far_side: FarSide) -> tuple[Message, set[str], Taken]:
    """One message on its way, the names by which it is known to us, and the peer's record of it."""
    one = message(11)
    provider = far_side.provider()
    async with provider:
        keys = provider.keys([one]) if isinstance(provider, NamesMessages) else []
        [result] = await send_all(provider, [one])
        assert isinstance(result, Accepted), str(result)
        await eventually(far_side.taken)
    [taken] = far_side.taken()
    return one, {key for key in keys if key is not None} | set(result.refs), taken


async def _heard(far_side: FarSide, report: Report, taken: Taken) -> Receipt:
    """The report as the adapter hears it: from a callback, else in-process."""
    request = far_side.calls_back(report, taken)
    if request is not None:
        [receipt] = far_side.provider().parse_receipt(request)
        return receipt
    async with far_side.provider():
        if not await far_side.reports(report, taken):
            pytest.skip(f"not with this provider: a report {report} at will")
        await eventually(lambda: far_side.receipts)
    return far_side.receipts[-1]


def _is_about(receipt: Receipt, one: Message, names: set[str]) -> bool:
    """Whether the database can tell which message this is: by our id, a reference or a key."""
    if receipt.message_id is not None:
        return receipt.message_id == one.id
    return receipt.ref in names


def _timeless(receipt: Receipt) -> tuple[object, ...]:
    return (receipt.message_id, receipt.ref, receipt.code, receipt.error, receipt.raw)
