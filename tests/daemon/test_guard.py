"""Who may call."""

import os
import socket

import pytest

from tfjsd.daemon.guard import Guard
from tfjsd.daemon.peer import Peer, peer_of
from tfjsd.errors import AccessDeniedError, ConfigurationError
from tfjsd.wire.configuration import Configuration


def peer(uid, *groups):
    return Peer(uid, frozenset(groups))


def test_the_kernel_says_who_is_at_the_other_end():
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        found = peer_of(one)
    assert found is not None
    assert found.uid == os.geteuid()
    assert os.getegid() in found.groups


def test_another_kind_of_socket_has_no_peer():
    with socket.socket() as internet:
        assert peer_of(internet) is None


def test_the_owner_the_superuser_and_the_named_may_call():
    guard = Guard(1000, frozenset({1001}), frozenset({50}))
    for allowed in (peer(1000), peer(0), peer(1001), peer(2000, 7, 50)):
        guard.check(allowed)


@pytest.mark.parametrize("stranger", [peer(1002), peer(1002, 51), None])
def test_others_may_not(stranger):
    with pytest.raises(AccessDeniedError) as caught:
        Guard(1000, frozenset({1001}), frozenset({50})).check(stranger)
    assert caught.value.http_status == 403
    assert caught.value.hint is not None


def test_names_are_resolved_and_unknown_ones_refused(tmp_path):
    file = tmp_path / "config.toml"

    def guard_of(text):
        file.write_text(text)
        return Guard.of(Configuration.load(environ={}, files=(file,)))

    guard = guard_of('[access]\nusers = ["root", "1234"]\ngroups = ["4321"]')
    assert (guard.owner, guard.users, guard.groups) == (os.geteuid(), {0, 1234}, {4321})
    for table, key, kind in (("access", "users", "user"), ("access", "groups", "group"), ("sync", "users", "user")):
        with pytest.raises(ConfigurationError, match=f":2: {table}.{key}: there is no {kind} 'nobody-here'"):
            guard_of(f'[{table}]\n{key} = ["nobody-here"]')


def test_sync_pairs_are_for_the_owner_and_whom_it_names():
    guard = Guard(1000, frozenset({1001}), frozenset({50}), frozenset({1002}))
    assert guard.admits_to_sync(Peer(1000, frozenset()))
    assert guard.admits_to_sync(Peer(0, frozenset()))
    assert guard.admits_to_sync(Peer(1002, frozenset()))
    assert not guard.admits_to_sync(Peer(1001, frozenset({50})))
    assert not guard.admits_to_sync(None), "over TCP the kernel names nobody"
