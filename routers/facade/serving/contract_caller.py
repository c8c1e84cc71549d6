"""A caller's connection to a listener that serves contracts: requests for one are answered here, all others go on."""

from collections.abc import Mapping
from time import perf_counter_ns
from typing import Protocol, final

from typing_extensions import override

from routers.facade.ended import Ended, Outcome
from routers.facade.http.authority import asked_at
from routers.facade.http.head import RefusedError, RequestHead
from routers.facade.serving.caller import Caller, Worker
from routers.facade.serving.contract import Contract, Wanted, page_answer
from routers.facade.serving.reply import own_reply
from routers.facade.settings import Listener
from routers.stage import OperationClass

__all__ = ["ContractCaller", "ContractWorker"]


class ContractWorker(Worker, Protocol):
    """What such a connection needs of its worker."""

    contracts: Mapping[str, Mapping[str, Contract]]


@final
class ContractCaller(Caller):
    """The client port on one connection to such a listener; calls with POST cost one comparison more."""

    __slots__ = ("_contracts",)

    def __init__(self, worker: ContractWorker, name: str, listener: Listener) -> None:
        super().__init__(worker, name, listener)
        self._contracts = worker.contracts[name]

    @override
    def _begin(self, request: RequestHead, rest: bytes) -> None:
        if request.method != b"POST" and (contract := self._contracts.get(request.path)) is not None:
            wanted = contract.wanted(request)
            if wanted is not None:
                self._answer(request, wanted, rest)
                return
        super()._begin(request, rest)

    def _answer(self, request: RequestHead, wanted: Wanted, rest: bytes) -> None:
        worker, started, reason = self._worker, perf_counter_ns(), ""
        request_id = worker.request_id(request.names.get(b"x-request-id"))
        keep_alive = request.keep_alive and not worker.draining
        try:
            status, data = self._page(request, wanted, request_id, keep_alive=keep_alive)
        except RefusedError as error:
            reason = error.reason
            status, data = own_reply(
                error.status,
                reason,
                request=request,
                soap_version=None,
                request_id=request_id,
                date=worker.clock.date,
                keep_alive=keep_alive,
            )
        self._answered(rest)
        self.write(data)
        self._account(request, request_id, status=status, reason=reason, started=started)
        self.done(keep_alive=keep_alive)

    def _page(self, request: RequestHead, wanted: Wanted, request_id: str, *, keep_alive: bool) -> tuple[int, bytes]:
        if wanted.page is None:
            raise RefusedError(404, wanted.reason)
        return page_answer(
            wanted.page,
            request,
            address=asked_at(request, self.origin),
            trusted=self.origin.trusted,
            request_id=request_id,
            date=self._worker.clock.date,
            keep_alive=keep_alive,
        )

    def _account(self, request: RequestHead, request_id: str, *, status: int, reason: str, started: int) -> None:
        worker, names = self._worker, request.names
        ended = Ended(
            request_id=request_id,
            listener=self.listener,
            method=request.method.decode(),
            path=request.path,
            route=None,
            operation=OperationClass.SAFE,
            decision=None,
            key=None,
            backend=None,
            side=None,
            status=status,
            outcome=Outcome.REFUSED if reason else Outcome.ANSWERED,
            error=reason or None,
            attempts=0,
            started_ns=started + worker.clock.epoch_ns,
            duration_ns=perf_counter_ns() - started,
            modern_ns=0,
            trace=worker.account.trace(names.get(b"traceparent"), names.get(b"tracestate")),
        )
        worker.account.ended(ended)
