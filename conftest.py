"""Plugins that every test may use; pytest wants them named here, at the top."""

pytest_plugins = ["pytester", "system_packages"]
