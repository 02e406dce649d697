"""Calls that were made, or could be, for `sumun explain` and `sumun replay`: who calls, and what the access log says.

callers            who the directory and the store say somebody is, as things are now
replayed_callers   who the caller of a logged call would be under another configuration

logged_line        reads the access log from its end
log_lines          reads logs from their beginning, packed or not; replayed_log: each call judged once

Directory, store, a line of the log -> caller -> sumun.explain.
"""
