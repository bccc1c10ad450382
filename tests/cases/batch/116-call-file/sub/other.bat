@echo in %~dp0 with %1
@exit /b %1
