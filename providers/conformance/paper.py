"""An adapter as the registry makes it from a row, before anybody opens it."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

from providers.base import NamesPeers, SettingsError
from providers.conformance.far_side import Cases, needed
from providers.registry import GROUP, declared
from providers.setting_names import OPEN


class PaperCases(Cases):
    """Settings are judged before a worker meets them, and each mistake has its sentence."""

    async def test_the_registry_knows_it(self) -> None:
        assert self.paper.adapter in {entry.name for entry in entry_points(group=GROUP)}

    async def test_it_is_made_from_its_row(self) -> None:
        provider = self.paper.make()
        assert provider.name
        assert provider.limits.max_batch > 0
        assert 0 <= provider.limits.answer_s < 60, "a lease is a minute"

    async def test_a_wrong_setting_is_named_in_one_sentence(self) -> None:
        key, value = self.paper.wrong
        with pytest.raises(SettingsError) as caught:
            self.paper.make(**{key: value})
        assert f'setting "{key}' in str(caught.value)
        assert "\n" not in str(caught.value)

    async def test_an_unknown_setting_is_refused_with_the_known_ones(self) -> None:
        with pytest.raises(SettingsError, match=r'setting "no_such_setting": .*known: '):
            self.paper.make(no_such_setting=1)

    async def test_the_database_is_told_its_settings(self) -> None:
        told = declared().get(self.paper.adapter)
        names = {name.removesuffix(OPEN) for name in needed(told, "settings_model")}
        assert {*self.paper.settings, self.paper.wrong[0]} <= names

    async def test_it_says_where_it_connects_before_it_is_opened(self) -> None:
        provider = self.paper.make()
        peers = provider.peers if isinstance(provider, NamesPeers) else None
        for peer in needed(peers, "NamesPeers"):
            assert peer.host == peer.host.strip()
            assert 0 < peer.port < 65536
