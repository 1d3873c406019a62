"""The endpoints of order groups."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from console.domain.money import COUNT_PER_CONTRACT, Count
from console.exchange.messages import account
from console.practice.account_wire import group_message
from console.practice.errors import RefusedError
from console.practice.exchange import PracticeExchange
from console.practice.groups import OrderGroup
from console.practice.requests import Handler, body, check_account_of_body, count_of, reply
from console.practice.wire import SHARD

_LIMIT_MOST = 1_000_000 * COUNT_PER_CONTRACT


class GroupsApi:
    """Handlers that need a signature."""

    def __init__(self, exchange: PracticeExchange) -> None:
        self._exchange = exchange

    def table(self) -> list[tuple[str, str, Handler]]:
        groups = "/portfolio/order_groups"
        return [
            ("POST", f"{groups}/create", self.create_group),
            ("GET", groups, self.groups),
            ("GET", f"{groups}/{{group_id}}", self.group),
            ("DELETE", f"{groups}/{{group_id}}", self.delete_group),
            ("PUT", f"{groups}/{{group_id}}/trigger", self.trigger_group),
            ("PUT", f"{groups}/{{group_id}}/reset", self.reset_group),
            ("PUT", f"{groups}/{{group_id}}/limit", self.limit_group),
        ]

    async def create_group(self, request: Request) -> Response:
        wanted = await body(request, account.CreateOrderGroup)
        check_account_of_body(wanted.subaccount, wanted.exchange_index)
        group = self._exchange.orders.create_group(_limit(wanted))
        return reply(
            account.CreateOrderGroupReply(order_group_id=group.group_id, subaccount=0, exchange_index=SHARD),
            201,
        )

    async def groups(self, request: Request) -> Response:
        groups = [group_message(group) for group in self._exchange.orders.groups.all()]
        return reply(account.OrderGroupsReply(order_groups=groups))

    async def group(self, request: Request) -> Response:
        group = self._group(request)
        orders = [
            order.order_id
            for order in self._exchange.account.open_orders()
            if order.request.group_id == group.group_id
        ]
        message = group_message(group)
        return reply(
            account.OrderGroupReply(
                is_auto_cancel_enabled=message.is_auto_cancel_enabled,
                orders=orders,
                contracts_limit_fp=message.contracts_limit_fp,
                exchange_index=message.exchange_index,
            )
        )

    async def trigger_group(self, request: Request) -> Response:
        self._exchange.orders.trigger_group(self._group(request))
        return reply(account.Empty())

    async def reset_group(self, request: Request) -> Response:
        self._exchange.orders.reset_group(self._group(request))
        return reply(account.Empty())

    async def limit_group(self, request: Request) -> Response:
        group = self._group(request)
        limit = _limit(await body(request, account.OrderGroupLimit))
        self._exchange.orders.limit_group(group, limit)
        return reply(account.Empty())

    async def delete_group(self, request: Request) -> Response:
        self._exchange.orders.delete_group(self._group(request))
        return reply(account.Empty())

    def _group(self, request: Request) -> OrderGroup:
        return self._exchange.orders.groups.get(request.path_params["group_id"])


def _limit(wanted: account.CreateOrderGroup | account.OrderGroupLimit) -> Count:
    if wanted.contracts_limit_fp is not None:
        limit = count_of(wanted.contracts_limit_fp)
    else:
        limit = Count((wanted.contracts_limit or 0) * COUNT_PER_CONTRACT)
    if not 0 < limit <= _LIMIT_MOST:
        raise RefusedError(400, "invalid_parameter", "contracts_limit must be from 1 to 1000000")
    return limit
