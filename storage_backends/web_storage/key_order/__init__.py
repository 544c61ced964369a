"""The order in which each engine's ``Storage.key(i)`` lists the keys: the iteration order of its hash table.

No engine seeds the table per process, so the order is the same in every run. One module per engine has its hash and its
table; ``key_log.py`` keeps a table up to date lazily, ``orders.py`` knows what another process and a restart see.
"""
