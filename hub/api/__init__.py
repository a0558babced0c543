"""The admin API: everything a person or their program may see and do, over REST."""
