"""The rate budget of a legacy system, as arithmetic: no I/O, and no clock of its own.

Seconds are of the monotonic clock that all processes of a machine share; the wall clock says only which window of the
calendar is open.
"""
