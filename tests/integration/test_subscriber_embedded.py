"""Both subscribers on the embedded broker: the essentials, since joining a group takes it three seconds."""

import pytest

from events.connection import Connection
from tests.subscriber_essentials import SubscriberEssentials


class TestEmbedded(SubscriberEssentials):
    @pytest.fixture
    def connection(self, embedded: Connection) -> Connection:
        return embedded
