"""Only what this Python has an engine for is tried: libdatachannel has no wheel for 3.11."""

from soiree.rtc import available

collect_ignore = [] if "libdatachannel" in available() else ["test_juice_servers.py", "test_libdatachannel.py"]
