"""What tfjsd is measured beside."""
