@echo off
for %%i in (a, b; c) do echo %%i
for %%i in (1 "two three" 4) do echo [%%~i]
for /l %%n in (1,2,7) do echo n=%%n
for /l %%n in (3,-1,1) do echo d=%%n
for %%a in (x y) do for %%b in (1 2) do echo %%a%%b
for %%i in () do echo never
