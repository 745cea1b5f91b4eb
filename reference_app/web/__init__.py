"""The web process, `python -m reference_app.web`: an ordinary Starlette application."""
