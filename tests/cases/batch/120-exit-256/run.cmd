@exit /b 256
