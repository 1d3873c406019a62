"""The kill switches, one file each."""
