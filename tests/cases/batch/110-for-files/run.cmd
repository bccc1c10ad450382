@echo off
for %%f in (data\*.txt) do echo %%f %%~nf %%~xf %%~nxf %%~zf
for /d %%d in (d*) do echo folder %%d
for %%f in (*.none) do echo never
for %%f in (data\one.txt other) do echo [%%~f]
for /r data %%f in (*.txt) do echo %%~nxf
