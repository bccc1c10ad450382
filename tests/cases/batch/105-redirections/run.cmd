@echo off
echo first> out.txt
echo second>> out.txt
>>out.txt echo third
type out.txt
(
echo in a block
echo to a file
) > block.txt
type block.txt
dir /b nothere.txt 2>nul
echo %ERRORLEVEL%
type nothere.txt 2>&1 | find /c "cannot find"
echo hidden > nul
>nul 2>&1 echo hidden too
