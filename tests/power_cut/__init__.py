"""An ext4 file system in a file whose power can be cut: what was not synced is gone."""
