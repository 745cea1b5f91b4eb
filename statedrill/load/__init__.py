"""The load generator: what scenario files import, and the audit that reads everything once more.

The only room that imports Locust: in `user`, `process`, `arrivals`, `profile`, `collector` and
`courier`. That replaces `subprocess.Popen` and `time.sleep` in the whole process, so nothing else
may import those.
"""
