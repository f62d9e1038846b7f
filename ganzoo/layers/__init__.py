"""Building blocks of networks; nothing here is registered."""
