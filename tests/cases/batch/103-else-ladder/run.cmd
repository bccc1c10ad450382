@echo off
set MODE=%1
if /i "%MODE%"=="fast" (
    echo quick
) else if /i "%MODE%"=="slow" (
    echo slowly
) else (
    echo unknown [%MODE%]
)
if not "%2"=="" echo second
if "%3"=="" echo no third
