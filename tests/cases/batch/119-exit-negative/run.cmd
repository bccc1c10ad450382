@echo off
exit /b -1
