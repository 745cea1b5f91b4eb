"""The worker process, `python -m reference_app.worker`: applies the writes that wait in queues."""
