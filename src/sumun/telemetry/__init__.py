"""What sumun tells machines: structured logs and metrics.

logging_setup  one place that configures logging; one JSON object a line, one list of field names
metrics        every metric that we export, with its unit and meaning

Records for people (who did what) are `audit`, not logs. The access log is written by HAProxy (see docs/logs.md).
"""
