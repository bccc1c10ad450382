@echo off
for /f "tokens=1,2* delims=," %%a in (list.csv) do echo %%a-%%b-%%c
for /f "skip=1 tokens=2 delims=," %%a in (list.csv) do echo second %%a
for /f "eol=# delims=" %%l in (list.txt) do echo line %%l
for /f "usebackq delims=" %%l in ("with space.txt") do echo %%l
for /f %%w in (list.txt) do echo word %%w
